// A photo in, a prediction for every face out: fer_nb.inference.
import { C, clip, percent, rint, sum } from './core.js'
import { cropFrame, faceFromPoints, findFaces, inPhoto } from './faces.js'
import { extract, headPose, photoLandmarks, tilted } from './landmarks.js'
import { loadNetwork, logits, probabilities, shares } from './network.js'
import { resize, rotate } from './pillow.js'

// The crop at the resolution of FER2013
export const toFer = crop => resize(crop, 48, 48)

// Crété's measure across rows: the fraction of the differences between neighbours that a further blur leaves
function blurLeft(at, n, width = 9) {
  const pad = width >> 1, m = n - width + 1
  let before = 0, lost = 0
  for (let y = 0; y < n; y++) {
    let mean = 0, last = 0
    for (let k = 0; k < width; k++) mean += at(k, y)/width
    for (let x = 0; x < m; x++) {
      if (x) {
        mean += (at(x + width - 1, y) - at(x - 1, y))/width
        const here = Math.abs(at(x + pad, y) - at(x + pad - 1, y))
        before += here; lost += Math.max(0, here - Math.abs(mean - last))
      }
      last = mean
    }
  }
  return 1 - lost/Math.max(before, 1e-9)
}

// What can be measured on a face that makes it hard to read
function faceQuality({ crop, frame, pose }) {
  const side = frame[2] - frame[0], n = clip(rint(side), 24, crop.width)
  const own = n === crop.width ? crop : resize(crop, n, n), face = toFer(crop)
  const step = (i, j) => Math.abs(face.data[i] - face.data[j]), edge = i => step(i + 48, i) + step(i + 1, i)
  const edges = (x0, x1, y0, y1) => {
    let total = 0
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) total += edge(y*48 + x)
    return total/((x1 - x0)*(y1 - y0))
  }
  const blur = Math.max(blurLeft((x, y) => own.data[y*n + x], n), blurLeft((x, y) => own.data[x*n + y], n))
  const brightness = sum(Array.from(face.data))/face.data.length
  return { side, blur, brightness, mouth: edges(14, 34, 30, 42)/Math.max(edges(8, 40, 14, 24), 1e-3), ...pose }
}

const WAYS = { yaw: 'turned to the side', pitch: 'turned up or down', roll: 'tilted over' }
export const top = (p, k = 2) => Object.entries(p.probabilities ?? {}).sort((a, b) => b[1] - a[1]).slice(0, k)

// What makes a face hard to read, in short clauses
function reasons(p) {
  const q = p.quality ??= faceQuality(p), out = [], { LIMITS } = C
  if (q.side < LIMITS.side) out.push(`the face is small, ${q.side.toFixed(0)} pixels`)
  else if (q.blur > LIMITS.blur) out.push('the face is blurred')
  if (q.brightness < LIMITS.brightness) out.push('the face is dark')
  if (!p.landmarks) out.push('no landmarks were found, as on a hidden or turned face')
  else if (q.mouth < LIMITS.mouth) out.push(C.MASKED)
  for (const [name, way] of Object.entries(WAYS)) {
    const angle = Math.abs(q[name] ?? 0)
    if (angle > LIMITS[name]) out.push(`the head is ${way} by about ${angle.toFixed(0)}°`)
  }
  if (p.scores.not_a_face >= C.NOT_A_FACE) out.push('it may not be a face')
  if (p.turned) out.push(`the photo was turned by ${p.turned}° to find it`)
  const [a, b] = top(p), who = p.truth === 'people' ? 'people would disagree' : 'the label is undecided'
  if (a[1] - b[1] < LIMITS.tie) out.push(`${who}: ${a[0]} ${percent(a[1])}, ${b[0]} ${percent(b[1])}`)
  return out
}

const weak = p => !p.landmarks && p.score !== null && p.score < C.WEAK_SCORE
const doubtful = p => weak(p) || (p.scores?.not_a_face ?? 0) >= C.NOT_A_FACE

function sentence(p) {
  const guesses = top(p).map(([c, v]) => `perhaps ${c} (${percent(v)})`).join(', ')
  return guesses[0].toUpperCase() + guesses.slice(1) + (p.reasons.length ? `: ${p.reasons.join('; ')}.` : '.')
}

// The same face under a truth and a prior, without asking the network again
export function revise(p, truth = 'people', prior = null) {
  if (!p.logits) return p
  const { classes, votes, calibration } = C.header
  const values = probabilities(p.logits, truth, prior), voted = shares(p.logits)
  const share = name => voted[votes.indexOf(name)]
  const out = { ...p, truth, probabilities: Object.fromEntries(classes.map((c, i) => [c, values[i]])),
    scores: { contempt: share('contempt'), unknown: share('unknown'), not_a_face: share('NF') } }
  ;[[out.emotion, out.confidence]] = top(out, 1)
  out.reasons = reasons(out)
  const known = truth === 'people' ? 1 - out.scores.unknown - out.scores.not_a_face : 1
  const certainty = out.confidence*known
  const unsure = certainty < calibration[truth].uncertain_below || doubtful(out) || out.reasons.includes(C.MASKED)
  out.status = unsure ? 'uncertain' : 'ok'
  out.message = unsure ? sentence(out) : ''
  return out
}

// Faces that FaceMesh's detector finds in a photo, and finds again in the crop
async function secondLook(image) {
  const faces = []
  for (const points of await photoLandmarks(image)) {
    const face = faceFromPoints(image, points), again = await extract(toFer(face.crop)), [x0, y0, x1] = face.frame
    if (!again) continue
    const side = x1 - x0, first = points.map(([x, y]) => [(x - x0)/side, (y - y0)/side])
    const apart = again.map(([x, y], i) => Math.hypot(x - first[i][0], y - first[i][1]))
    if (sum(apart)/apart.length < C.within) faces.push(face)
  }
  return faces
}

// A very dark photo with its range stretched
export function stretchDark(image, below = C.dark) {
  const { data, width: w, height: h } = image, step = Math.max(1, Math.trunc(Math.sqrt(w*h/10_000))) // a sample tells
  const counts = new Uint32Array(256), n = Math.ceil(w/step)*Math.ceil(h/step)
  for (let y = 0; y < h; y += step) {
    for (let x = 0; x < w; x += step) {
      const i = 4*(y*w + x)
      counts[Math.max(data[i], data[i + 1], data[i + 2])]++
    }
  }
  const ranked = k => { let seen = 0; return counts.findIndex(c => (seen += c) > k) }
  const place = .99*(n - 1), low = ranked(Math.floor(place)), high = low + (ranked(Math.ceil(place)) - low)*(place%1)
  if (!(high > 0 && high < below)) return image
  return { ...image, data: Uint8Array.from(data, v => Math.min(v*(255/high), 255)) }
}

// What a frame shows, turned back by `roll` degrees about its middle
export function leveled(image, [x0, y0, x1, y1], roll, size = C.size) {
  const m = .25*(x1 - x0) // wider: its corners are there when it is turned
  const n = Math.min(3*size, Math.max(size, rint(1.5*(x1 - x0))))
  const wide = rotate(cropFrame(image, [x0 - m, y0 - m, x1 + m, y1 + m], n), roll)
  return resize(wide, size, size, 'bicubic', [n/6, n/6, n*5/6, n*5/6])
}

// A face's landmarks; a tilted crop is leveled
async function mark(image, face) {
  const points = await extract(toFer(face.crop)), p = { ...face, points, landmarks: null, pose: null }
  if (!points) return p
  p.pose = headPose(points)
  let lying = points
  const { roll } = p.pose
  if (Math.abs(roll) > C.LEVEL) {
    const crop = leveled(image, p.frame, roll - p.turned), again = await extract(toFer(crop))
    if (again) { p.crop = crop; p.points = again; lying = tilted(again, roll) }
  }
  p.landmarks = inPhoto(p, lying)
  return p
}

// A status and a message for a box that is too small to be read; null for any other
export function tooSmall([x0, y0, x1, y1]) {
  const side = Math.min(x1 - x0, y1 - y0)
  const message = `This face is ${side.toFixed(0)} pixels wide; from ${C.min_size} on it can be read.`
  return side < C.min_size ? { status: 'too_small', message } : null
}

async function openFace(image, face) {
  const small = tooSmall(face.box)
  return small ? { ...face, ...small } : { status: 'ok', message: '', ...await mark(image, face) }
}

const NONE = { status: 'no_face', message: 'No face was found in this picture.' }

// The faces that are no doubtful ones first, in the detector's order
function settled(predictions) {
  const kept = predictions.filter(p => p.landmarks || !(p.scores?.not_a_face > .5))
  return kept.length ? kept.sort((a, b) => doubtful(a) - doubtful(b) || !a.landmarks - !b.landmarks) : [NONE]
}

// Predictions for opened faces, under the default truth and prior
export async function read(faces) {
  const ok = faces.filter(p => p.status === 'ok'), out = await logits(ok.map(p => toFer(p.crop)), ok.map(p => p.points))
  ok.forEach((p, i) => Object.assign(p, revise({ ...p, logits: out[i] })))
  return faces
}

// Predictions for a photo {data: RGBA, width, height}, at least one
export async function predict(photo) {
  const image = stretchDark({ channels: 4, ...photo }), faces = []
  let found = await findFaces(image)
  if (!found.length) found = await secondLook(image)
  for (const f of found) faces.push(await openFace(image, f))
  return faces.length ? settled(await read(faces)) : [NONE]
}

// Everything is loaded and has run once
export async function warmUp() {
  await Promise.all([findFaces({ data: new Uint8Array(4*96*96).fill(128), width: 96, height: 96, channels: 4 }, false),
    extract({ data: new Uint8Array(48*48).fill(128), width: 48, height: 48, channels: 1 }), loadNetwork()])
}
