// After the first visit the page needs no network: its files are kept, all of one build, until there is another.
importScripts('files.js') // FILES and BUILD, written by tools/web.py

self.addEventListener('install', event => {
  event.waitUntil(caches.open(BUILD).then(cache => cache.addAll(FILES)).then(() => self.skipWaiting()))
})
self.addEventListener('activate', event => {
  const old = caches.keys().then(names => Promise.all(names.filter(n => n.startsWith('fer_nb ') && n !== BUILD).map(n => caches.delete(n))))
  event.waitUntil(old.then(() => self.clients.claim()))
})
self.addEventListener('fetch', event => {
  event.respondWith(caches.open(BUILD).then(cache => cache.match(event.request, { ignoreSearch: true })).then(kept => kept ?? fetch(event.request)))
})
