// Asks the worker, from the page.
const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' })
const waiting = new Map()
let last = 0

export const ready = new Promise((resolve, reject) => {
  waiting.set('ready', { resolve, reject })
  const why = e => e.message ?? 'it knows no module workers'
  worker.onerror = e => reject(new Error(`This browser cannot run the networks (${why(e)}).`))
})
worker.onmessage = ({ data: { id, answer, error } }) => {
  const { resolve, reject } = waiting.get(id)
  waiting.delete(id)
  error === undefined ? resolve(answer) : reject(new Error(error))
}

// The image's pixels go to the worker; here they are gone
export async function ask(task, image, rest = {}) {
  await ready
  return new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject })
    worker.postMessage({ id: last, task, image, ...rest }, image ? [image.data.buffer] : [])
  })
}
