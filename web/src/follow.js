// Faces from frame to frame, the detector now and then: fer_nb.video, made short.
import { C } from './core.js'
import { boxIn, cropFrame, findFaces, framePoints, inPhoto } from './faces.js'
import { leveled, revise, stretchDark, toFer, tooSmall } from './inference.js'
import { extract, headPose, tilted } from './landmarks.js'
import { logits, softmax } from './network.js'

const EVERY = 10, AGAIN = .25 // frames between two looks of the detector; seconds, while there is no face
const SMOOTH = .12            // time constant, seconds
const NEAR = .3, SAME = .5    // least overlap of a face's frame with a found one, and of two that follow one face

function overlap(a, b) {
  const side = k => Math.max(0, Math.min(a[k + 2], b[k + 2]) - Math.max(a[k], b[k])), both = side(0)*side(1)
  return both/((a[2] - a[0])**2 + (b[2] - b[0])**2 - both)
}

// The largest of a frame's shifts and of its growth, in its sides
function shift(a, b) {
  const side = a[2] - a[0], move = k => Math.abs(a[k] + a[k + 2] - b[k] - b[k + 2])/2
  return Math.max(move(0), move(1), Math.abs(b[2] - b[0] - side))/side
}

const show = (image, frame, roll) => roll ? leveled(image, frame, roll) : cropFrame(image, frame)

// Points of the crop that shows `frame`, leveled by `roll`, as they lie in the next one
function reframed(points, frame, roll) {
  const lying = tilted(points, roll), side = frame[2] - frame[0]
  roll += headPose(points).roll
  if (Math.abs(roll) <= C.LEVEL) roll = 0
  const level = tilted(lying, -roll), [left, top, right, bottom] = framePoints(level), grown = right - left
  const [[mx, my]] = tilted([[(left + right)/2, (top + bottom)/2, 0]], roll)
  const x = frame[0] + mx*side, y = frame[1] + my*side, half = grown*side/2
  return { points: level.map(([u, v, z]) => [(u - left)/grown, (v - top)/grown, z/grown]),
    frame: [x - half, y - half, x + half, y + half], roll }
}

// Where a face is now, and its crop
async function look(image, face) {
  let { frame, roll } = face, points = null
  for (let tries = 0; tries < 2; tries++) {
    const seen = await extract(toFer(show(image, frame, roll)))
    if (!seen) break
    const next = reframed(seen, frame, roll)
    const near = shift(frame, next.frame) < .1 && Math.abs(next.roll - roll) < C.LEVEL
    ;({ points, frame, roll } = next)
    if (near) break
  }
  return { ...face, points, frame, roll, crop: show(image, frame, roll) }
}

// Both heads' distributions, mixed with those of a moment ago, as logits
function smoothed(old, now, dt) {
  const { classes, calibration } = C.header, n = classes.length, keep = Math.exp(-Math.max(0, dt)/SMOOTH)
  const mix = (a, b, t) => {
    const p = softmax(a, t), q = softmax(b, t)
    return p.map((v, i) => t*Math.log(Math.max(keep*v + (1 - keep)*q[i], 1e-12)))
  }
  const labels = mix(old.slice(0, n), now.slice(0, n), 1)
  return [...labels, ...mix(old.slice(n), now.slice(n), calibration.people.temperature)]
}

export class Follower {
  faces = []; count = 0; numbers = 0; looked = -Infinity; time = 0

  // Predictions for the newest frame, [] if there is no face
  async frame(picture, time) {
    const image = stretchDark({ channels: 4, ...picture }), before = this.faces
    this.faces = []
    for (const f of before) this.faces.push(await look(image, f))
    const lost = this.faces.some(f => !f.points)
    const due = this.faces.length ? lost || this.count%EVERY === 0 : time - this.looked >= AGAIN
    if (due) await this.#detect(image, time)
    this.count++
    this.faces = this.faces.filter((f, i) => !this.faces.slice(0, i).some(g => overlap(f.frame, g.frame) > SAME))
    const out = await this.#read(time - this.time)
    this.time = time
    return out
  }

  // Let go of those that neither network sees; take up those that are new
  async #detect(image, time) {
    this.looked = time; this.count = 0
    const found = await findFaces(image, false)
    this.faces = this.faces.filter(f => f.points || found.some(d => overlap(f.frame, d.frame) > NEAR))
    for (const { frame, score } of found) {
      const known = this.faces.find(f => overlap(f.frame, frame) > NEAR)
      if (known) known.score = score
      else this.faces.push(await look(image, { number: ++this.numbers, frame, score, roll: 0, turned: 0 }))
    }
  }

  async #read(dt) {
    const rows = this.faces.map(f => this.#row(f)), ok = rows.filter(p => p.status === 'ok')
    const out = await logits(ok.map(p => toFer(p.crop)), ok.map(p => p.points))
    ok.forEach((p, i) => {
      const face = this.faces.find(f => f.number === p.number)
      face.logits = face.logits ? smoothed(face.logits, out[i], dt) : out[i]
      Object.assign(p, revise({ ...p, logits: face.logits }))
    })
    return rows.filter(p => p.landmarks || !(p.scores?.not_a_face > .5))
  }

  #row({ number, frame, score, crop, points, roll }) {
    const box = boxIn(frame), seen = { number, box, score, crop, frame, points }
    const p = { status: 'ok', message: '', ...seen, turned: 0, landmarks: null, pose: null }
    if (!points) return { ...p, ...tooSmall(box) }
    const landmarks = inPhoto(p, tilted(points, roll)), pose = headPose(points)
    return { ...p, landmarks, pose: { ...pose, roll: pose.roll + roll }, ...tooSmall(box) }
  }
}
