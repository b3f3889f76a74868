// What Pillow does to pixels, bit by bit: gray, resized, reduced, turned.
// A picture is {data, width, height, channels}: 1 channel gray, or 4, red, green, blue and one that is ignored.
import { clip } from './core.js'

const BITS = 22 // of a weight's fraction
const byte = sum => clip(sum >> BITS, 0, 255)

const FILTERS = {
  bilinear: { support: 1, at: x => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at(x, a = -.5) {
    x = Math.abs(x)
    if (x < 1) return ((a + 2)*x - (a + 3))*x*x + 1
    return x < 2 ? (((x - 5)*x + 8)*x - 4)*a : 0
  } },
}

// Which pixels of a row of `size` make each of `n` pixels between two places, and their weights as whole numbers
function coefficients(size, start, stop, n, { support, at }) {
  start = Math.fround(start); stop = Math.fround(stop)
  const scale = Math.fround(stop - start)/n, wide = Math.max(1, scale), reach = support*wide
  const most = Math.ceil(reach)*2 + 1
  const first = new Int32Array(n), count = new Int32Array(n), weights = new Int32Array(n*most)
  for (let i = 0; i < n; i++) {
    const centre = start + (i + .5)*scale
    const low = Math.max(0, Math.trunc(centre - reach + .5))
    const values = []
    for (let x = low; x < Math.min(size, Math.trunc(centre + reach + .5)); x++) values.push(at((x - centre + .5)/wide))
    const total = values.reduce((a, b) => a + b, 0)
    values.forEach((v, k) => {
      const w = (total ? v/total : v)*(1 << BITS)
      weights[i*most + k] = Math.trunc(w < 0 ? w - .5 : w + .5)
    })
    first[i] = low; count[i] = values.length
  }
  return { first, count, weights, most }
}

function across(image, n, x0, x1, filter) {
  const { data, width, height, channels: c } = image, out = new Uint8Array(n*height*c)
  const { first, count, weights, most } = coefficients(width, x0, x1, n, filter)
  for (let y = 0, to = 0; y < height; y++) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < c; k++, to++) {
        let sum = 1 << (BITS - 1), from = (y*width + first[i])*c + k
        for (let j = i*most, end = j + count[i]; j < end; j++, from += c) sum += data[from]*weights[j]
        out[to] = byte(sum)
      }
    }
  }
  return { data: out, width: n, height, channels: c }
}

function down(image, n, y0, y1, filter) {
  const { data, width, height, channels } = image, row = width*channels, out = new Uint8Array(n*row)
  const { first, count, weights, most } = coefficients(height, y0, y1, n, filter)
  for (let i = 0; i < n; i++) {
    for (let x = 0; x < row; x++) {
      let sum = 1 << (BITS - 1), from = first[i]*row + x
      for (let j = i*most, end = j + count[i]; j < end; j++, from += row) sum += data[from]*weights[j]
      out[i*row + x] = byte(sum)
    }
  }
  return { data: out, width, height: n, channels }
}

// Image.resize
export function resize(image, width, height, name = 'bicubic', box = [0, 0, image.width, image.height]) {
  const [x0, y0, x1, y1] = box, filter = FILTERS[name]
  if (width !== image.width || x0 || x1 !== width) image = across(image, width, x0, x1, filter)
  if (height !== image.height || y0 || y1 !== height) image = down(image, height, y0, y1, filter)
  return image
}

// Image.reduce: means of fx×fy pixels; fewer at the ends
export function reduce(image, fx, fy) {
  const { data, width, height, channels: c } = image
  const w = Math.ceil(width/fx), h = Math.ceil(height/fy), out = new Uint8Array(w*h*c)
  for (let y = 0, to = 0; y < h; y++) {
    const below = Math.min(height, (y + 1)*fy)
    for (let x = 0; x < w; x++) {
      const right = Math.min(width, (x + 1)*fx), n = (right - x*fx)*(below - y*fy)
      const inverse = Math.trunc(Math.fround(2**32/(n*256)))
      for (let k = 0; k < c; k++, to++) {
        let sum = n >> 1
        for (let j = y*fy; j < below; j++) for (let i = x*fx; i < right; i++) sum += data[(j*width + i)*c + k]
        out[to] = n & (n - 1) ? Math.floor(sum*inverse/2**24) : Math.floor(sum/n)
      }
    }
  }
  return { data: out, width: w, height: h, channels: c }
}

// Image.resize(…, BILINEAR, reducing_gap=1) of a whole picture
export function shrunk(image, width, height) {
  const fx = Math.trunc(image.width/width) || 1, fy = Math.trunc(image.height/height) || 1
  const box = [0, 0, image.width/fx, image.height/fy]
  if (fx > 1 || fy > 1) image = reduce(image, fx, fy)
  return resize(image, width, height, 'bilinear', box)
}

// Image.convert('L')
export const luma = (r, g, b) => (r*19595 + g*38470 + b*7471 + 0x8000) >> 16

// Four values between which a cubic passes, `d` from the second to the third
function cubic(a, b, c, e, d) {
  return b + d*(c - a + d*(2*(a - b) + c - e + d*(b - a - c + e)))
}

// Image.rotate(degrees, BICUBIC) of a gray picture: counterclockwise, black where nothing is
export function rotate(image, degrees) {
  const { data, width: w, height: h } = image, out = new Uint8Array(w*h)
  const angle = -(((degrees % 360) + 360) % 360)*Math.PI/180
  const c = Number(Math.cos(angle).toFixed(15)), s = Number(Math.sin(angle).toFixed(15))
  const ox = c*(-w/2) + s*(-h/2) + w/2, oy = -s*(-w/2) + c*(-h/2) + h/2
  const row = (y, x, d) => {
    const at = k => data[y*w + clip(x + k, 0, w - 1)]
    return cubic(at(0), at(1), at(2), at(3), d)
  }
  for (let j = 0; j < h; j++) {
    for (let i = 0; i < w; i++) {
      let x = c*(i + .5) + s*(j + .5) + ox, y = -s*(i + .5) + c*(j + .5) + oy
      if (x < 0 || x >= w || y < 0 || y >= h) continue
      x -= .5; y -= .5
      const left = Math.floor(x) - 1, top = Math.floor(y) - 1, dx = x - Math.floor(x), dy = y - Math.floor(y)
      const a = row(clip(top, 0, h - 1), left, dx)
      const b = top + 1 >= 0 && top + 1 < h ? row(top + 1, left, dx) : a
      const e = top + 2 >= 0 && top + 2 < h ? row(top + 2, left, dx) : b
      const f = top + 3 >= 0 && top + 3 < h ? row(top + 3, left, dx) : e
      out[j*w + i] = clip(Math.trunc(cubic(a, b, e, f, dy)), 0, 255)
    }
  }
  return { data: out, width: w, height: h, channels: 1 }
}

// The picture turned clockwise by quarters
export function quarters(image, turned) {
  const { width: w, height: h } = image, from = new Uint32Array(image.data.buffer, image.data.byteOffset, w*h)
  if (!turned) return image
  const to = new Uint32Array(w*h), across = turned === 180 ? w : h
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [i, j] = turned === 90 ? [h - 1 - y, x] : turned === 180 ? [w - 1 - x, h - 1 - y] : [y, w - 1 - x]
      to[j*across + i] = from[y*w + x]
    }
  }
  return { data: new Uint8Array(to.buffer), width: across, height: w*h/across, channels: 4 }
}
