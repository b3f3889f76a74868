// What every other module uses: the package's constants, ONNX sessions, and rounding as Python does it.
const here = new URL('..', import.meta.url)
const answer = await fetch(new URL('constants.json', here))
export const C = await answer.json()
export const { CLASSES, COLORS, VOTE_OF } = C

let ort
async function runtime() {
  if (ort) return ort
  ort = await import(new URL('ort/ort.wasm.bundle.min.mjs', here))
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmPaths = { wasm: new URL('ort/ort-wasm-simd-threaded.wasm', here).href }
  return ort
}

// A network as a function: {name: [type, data, dims]} to {name: {data, dims}}
export async function open(file) {
  const { InferenceSession, Tensor } = await runtime()
  const model = await fetch(new URL(`models/${file}`, here))
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
