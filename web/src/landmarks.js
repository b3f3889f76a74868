// 468 points on a face of 48 pixels, and how the head is held: fer_nb.landmarks.
import { C, clip, range, rint } from './core.js'
import { faceMesh } from './facemesh.js'
const f32 = Math.fround

// Which 4 pixels of a row of `n` make one of `size`, and their weights; OpenCV's
function cubic(n, size, a = -.75) {
  const near = d => ((a + 2)*d - (a + 3))*d*d + 1, far = d => a*(((d - 5)*d + 8)*d - 4)
  return range(size).map(i => {
    const place = (i + .5)*(n/size) - .5, first = Math.floor(place), t = place - first
    const pixels = [-1, 0, 1, 2].map(k => clip(first + k, 0, n - 1))
    return { pixels, weights: [far(t + 1), near(t), near(1 - t), far(2 - t)].map(f32) }
  })
}

// A gray face enlarged, on a gray canvas
function canvas(face, size = C.extractor.size, border = C.extractor.border, fill = C.fill) {
  const { data, width, height } = face, pad = rint(size*border), side = size + 2*pad
  const wide = new Float32Array(height*size), out = new Uint8Array(side*side).fill(fill)
  cubic(width, size).forEach(({ pixels: [p, q, r, s], weights: [a, b, c, d] }, x) => {
    for (let y = 0; y < height; y++) {
      const at = y*width
      wide[y*size + x] = f32(f32(f32(data[at + p]*a) + f32(data[at + q]*b)) + f32(data[at + r]*c)) + f32(data[at + s]*d)
    }
  })
  cubic(height, size).forEach(({ pixels, weights: [a, b, c, d] }, y) => {
    const [p, q, r, s] = pixels.map(row => row*size)
    for (let x = 0; x < size; x++) {
      const upper = f32(wide[p + x]*a + f32(wide[q + x]*b)), lower = f32(wide[r + x]*c + f32(wide[s + x]*d))
      out[(y + pad)*side + x + pad] = clip(rint(f32(upper + lower)), 0, 255)
    }
  })
  return { data: out, width: side, height: side, channels: 1 }
}

// Weights of a Gaussian blur in 1/256, whole numbers; OpenCV's
function gauss(sigma) {
  const reach = Math.floor(rint(6*sigma + 1)/2)
  const weights = range(2*reach + 1).map(i => Math.exp(-((i - reach)**2)/(2*sigma**2)))
  const all = weights.reduce((a, b) => a + b)
  let run = 0
  const sums = weights.map(w => rint(run += 256*w/all)).slice(0, reach)
  const half = sums.map((v, i) => v - (sums[i - 1] ?? 0)) // what rounding takes from one, the next one gets
  return [...half, 256 - 2*half.reduce((a, b) => a + b, 0), ...half.reverse()]
}

// A square face as through a soft lens
function blur(face) {
  const { data, width: n } = face, weights = gauss(n/48), reach = weights.length >> 1
  const place = i => i < 0 ? -i : i >= n ? 2*n - 2 - i : i
  let sums = Int32Array.from(data)
  for (let pass = 0; pass < 2; pass++) { // down, then across: each pass turns the picture
    const out = new Int32Array(n*n)
    for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) {
      weights.forEach((w, k) => { out[x*n + y] += w*sums[place(y + k - reach)*n + x] })
    }
    sums = out
  }
  return { ...face, data: Uint8Array.from(sums, v => (v + 32768) >> 16) }
}

export function mirrored(image) {
  const { width: w, height: h, channels: c } = image, data = new Uint8Array(w*h*c)
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) for (let k = 0; k < c; k++) {
    data[(y*w + x)*c + k] = image.data[(y*w + w - 1 - x)*c + k]
  }
  return { ...image, data }
}
// Landmarks of the mirrored face
export const mirror = points => C.MIRROR.map(i => [f32(1 - points[i][0]), points[i][1], points[i][2]])

const VIEWS = { plain: f => f, mirrored, blurred: blur }

// Landmarks of a gray face framed as FER2013 frames them, in crop coordinates; null if there are none
export async function extract(face) {
  const { border, confidence, retries } = C.extractor
  for (const view of C.views.slice(0, 1 + retries)) {
    const [found] = await faceMesh(canvas(VIEWS[view](face)), 1, confidence)
    if (!found) continue
    const points = found.map(p => p.map((v, k) => f32(f32(v*(1 + 2*border)) - (k < 2 ? border : 0))))
    return view === 'mirrored' ? mirror(points) : points
  }
  return null
}

const minus = (a, b) => a.map((v, k) => v - b[k])
const middle = (points, which) => [0, 1, 2].map(k => which.reduce((s, i) => s + points[i][k], 0)/which.length)
const degrees = radians => radians*180/Math.PI

// Yaw, pitch and roll of a head in degrees
export function headPose(points) {
  const outOfPlane = v => degrees(Math.atan2(v[2], Math.hypot(v[0], v[1])))
  const [cheek, other] = C.CHEEKS, [top, chin] = C.UPRIGHT
  const eyes = minus(middle(points, C.EYES[1]), middle(points, C.EYES[0])), tenth = v => Math.round(v*10)/10
  return { yaw: tenth(outOfPlane(minus(points[other], points[cheek]))),
    pitch: tenth(C.STRAIGHT - outOfPlane(minus(points[chin], points[top]))),
    roll: tenth(degrees(Math.atan2(eyes[1], eyes[0]))) }
}

// Points of a leveled crop as they lie in the tilted one
export function tilted(points, roll) {
  const c = Math.cos(roll*Math.PI/180), s = Math.sin(roll*Math.PI/180)
  return points.map(([x, y, z]) => [c*(x - .5) - s*(y - .5) + .5, s*(x - .5) + c*(y - .5) + .5, z])
}

// Rows of `row` numbers averaged to `n` rows; of a cut row counts what is inside
function average(data, row, n) {
  const rows = data.length/row, step = rows/n, out = new Float32Array(n*row)
  for (let i = 0; i < n; i++) {
    const start = i*step, end = (i + 1)*step
    for (let y = Math.trunc(start); y < Math.min(rows, end); y++) {
      const part = f32(Math.max(0, Math.min(y + 1, end) - Math.max(y, start))*(n/rows))
      for (let x = 0; x < row; x++) out[i*row + x] += f32(data[y*row + x]*part)
    }
  }
  return out
}

// Rows of `w` pixels as columns
function transpose(data, w) {
  const h = data.length/4/w, out = new Float32Array(data.length)
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) for (let k = 0; k < 4; k++) {
    out[(x*h + y)*4 + k] = data[(y*w + x)*4 + k]
  }
  return out
}

// The picture averaged to w×h pixels
function shrink(image, w, h) {
  const columns = average(transpose(average(image.data, 4*image.width, h), image.width), 4*h, w)
  return { data: Uint8Array.from(transpose(columns, h), rint), width: w, height: h, channels: 4 }
}

// The picture with a gray border
function bordered(image, b) {
  const width = image.width + 2*b, height = image.height + 2*b, data = new Uint8Array(4*width*height).fill(128)
  for (let y = 0; y < image.height; y++) {
    data.set(image.data.subarray(4*y*image.width, 4*(y + 1)*image.width), 4*((y + b)*width + b))
  }
  return { data, width, height, channels: 4 }
}

// Landmarks of the faces that FaceMesh's own detector finds in a whole photo, in its pixels, largest first
export async function photoLandmarks(image) {
  const { confidence, most, max_side } = C.photo, { width: w, height: h } = image
  const scale = Math.min(1, max_side/Math.max(h, w))
  const small = scale < 1 ? shrink(image, Math.max(1, rint(w*scale)), Math.max(1, rint(h*scale))) : image
  const border = rint(.25*Math.min(small.width, small.height))
  const same = points => points
  const views = [() => [small, 0, same], () => [mirrored(small), 0, mirror],
    () => [bordered(small, border), border, same]]
  for (const view of views) {
    const [photo, b, back] = view()
    const found = (await faceMesh(photo, most, confidence)).map(back)
    if (!found.length) continue
    const faces = found.map(points => points.map(([x, y, z]) =>
      [(x*photo.width - b)/scale, (y*photo.height - b)/scale, z*photo.width/scale]))
    const span = (face, k) => { const at = face.map(p => p[k]); return Math.max(...at) - Math.min(...at) }
    const area = face => span(face, 0)*span(face, 1)
    return faces.sort((a, b) => area(b) - area(a))
  }
  return []
}
