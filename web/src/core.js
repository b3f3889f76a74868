// What every other module uses: the package's constants, ONNX sessions, and rounding as Python does it.
const here = new URL('..', import.meta.url)
const answer = await fetch(new URL('constants.json', here))
export const C = await answer.json()
export const { CLASSES, COLORS, VOTE_OF } = C

let ort
const runtime = () => ort ??= loadRuntime()
async function loadRuntime() {
  const [ort, wasm] = await Promise.all([import(new URL('ort/ort.wasm.bundle.min.mjs', here)),
    fetch(new URL('ort/ort-wasm-simd-threaded.wasm', here))])
  if (!wasm.ok) throw new Error(`The runtime could not be loaded (${wasm.status}). Load the page again.`)
  Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary: await wasm.arrayBuffer() })
  return ort
}

// A network as a function: {name: [type, data, dims]} to {name: {data, dims}}
export async function open(file) {
  const [{ InferenceSession, Tensor }, model] = await Promise.all([runtime(), fetch(new URL(`models/${file}`, here))])
  if (!model.ok) throw new Error(`${file} could not be loaded (${model.status}). Load the page again.`)
  const bytes = new Uint8Array(await model.arrayBuffer())
  const session = await InferenceSession.create(bytes, { executionProviders: ['wasm'] })
  return inputs => session.run(Object.fromEntries(Object.entries(inputs).map(([k, v]) => [k, new Tensor(...v)])))
}

// To the nearest whole number, halves to the even one
export function rint(x) {
  const low = Math.floor(x), rest = x - low
  if (rest !== .5) return rest < .5 ? low : low + 1
  return low % 2 ? low + 1 : low
}
export const clip = (x, low, high) => Math.min(Math.max(x, low), high)
export const range = n => Array.from({ length: n }, (_, i) => i)
export const sum = values => values.reduce((a, b) => a + b, 0)
export const percent = (x, digits = 0) => `${(100*x).toFixed(digits)}%`
