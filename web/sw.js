// After the first visit the page needs no network: its files are kept, all of one build, until there is another.
importScripts('files.js') // FILES and BUILD, written by tools/web.py

async function forget() {
  for (const name of await caches.keys()) if (name.startsWith('fer_nb ') && name !== BUILD) await caches.delete(name)
}
async function answer(request) {
  const cache = await caches.open(BUILD)
  return await cache.match(request, { ignoreSearch: true }) ?? fetch(request)
}

self.addEventListener('install', event => {
  event.waitUntil(caches.open(BUILD).then(cache => cache.addAll(FILES)).then(() => self.skipWaiting()))
})
self.addEventListener('activate', event => {
  event.waitUntil(forget().then(() => self.clients.claim()))
})
self.addEventListener('fetch', event => event.respondWith(answer(event.request)))
