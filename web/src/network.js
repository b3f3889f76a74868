// The network's logits and what they mean: fer_nb.network.
import { C, VOTE_OF, open, sum } from './core.js'

const { classes, calibration } = C.header

export function softmax(logits, temperature = 1) {
  const most = Math.max(...logits), e = logits.map(v => Math.exp((v - most)/temperature)), all = sum(e)
  return e.map(v => v/all)
}

// Logits of what a network trained on smoothed labels holds the plain labels for
function unsmooth(logits, smoothing) {
  return softmax(logits).map(p => Math.log(Math.max(p - smoothing/logits.length, p/10, 1e-12)))
}

// The fraction of annotators who would give each answer, in the order of VOTES
export const shares = logits => softmax(logits.slice(classes.length), calibration.people.temperature)

// Calibrated probabilities of 17 logits; prior: from 0, as people's faces are every day, to 1, all classes alike
export function probabilities(logits, truth = 'people', prior = null) {
  const head = calibration[truth], labels = logits.slice(0, classes.length)
  const p = truth === 'people' ? VOTE_OF.map(i => shares(logits)[i])
    : softmax(unsmooth(labels, head.smoothing), head.temperature)
  const asked = typeof prior === 'string' ? C.NAMED[prior] : prior ?? head.default_prior
  const weighed = p.map((v, i) => v*head.prior[i]**-asked), all = sum(weighed)
  return weighed.map(v => v/all)
}

let net
export const loadNetwork = () => net ??= open('emotion.onnx')

// Logits of faces {data: 48×48}, with points [[x, y, z], …] or null for each
export async function logits(faces, points) {
  const n = faces.length, pixels = new Uint8Array(n*48*48), valid = new Uint8Array(n)
  const landmarks = new Float32Array(n*468*3)
  if (!n) return []
  faces.forEach((f, i) => pixels.set(f.data, i*48*48))
  points.forEach((p, i) => { if (p) { landmarks.set(p.flat(), i*468*3); valid[i] = 1 } })
  const run = await loadNetwork()
  const out = (await run({ faces: ['uint8', pixels, [n, 48, 48]], landmarks: ['float32', landmarks, [n, 468, 3]],
    valid: ['bool', valid, [n]] })).logits
  const size = out.dims[1]
  return faces.map((_, i) => Array.from(out.data.subarray(i*size, (i + 1)*size)))
}
