// A photo in, its faces out, framed as FER2013 framed them: fer_nb.faces.
import { C, clip, rint } from './core.js'
import { fit, mtcnn } from './mtcnn.js'
import { luma, quarters, resize } from './pillow.js'

// The square that FER2013 would have shown around a face in `box`
export function frameBox([x0, y0, x1, y1]) {
  const side = Math.sqrt((x1 - x0)/C.BOX_WIDTH*(y1 - y0)/C.BOX_HEIGHT)
  const left = (x0 + x1)/2 - C.BOX_X*side, top = (y0 + y1)/2 - C.BOX_Y*side
  return [left, top, left + side, top + side]
}

// The box that MTCNN would have put into a frame
export function boxIn([x0, y0, x1]) {
  const side = x1 - x0, x = x0 + C.BOX_X*side, y = y0 + C.BOX_Y*side, w = C.BOX_WIDTH*side/2, h = C.BOX_HEIGHT*side/2
  return [x - w, y - h, x + w, y + h]
}

// The square that FER2013 would have shown around a face with these landmarks, [[x, y, z], …]
export function framePoints(points) {
  const widen = k => ([low, high], p) => [Math.min(low, p[k]), Math.max(high, p[k])]
  const ends = [0, 1].map(k => points.reduce(widen(k), [Infinity, -Infinity]))
  const [[x0, x1], [y0, y1]] = ends, side = Math.sqrt((x1 - x0)*(y1 - y0))/C.POINTS_SIZE
  const left = (x0 + x1)/2 - C.POINTS_X*side, top = (y0 + y1)/2 - C.POINTS_Y*side
  return [left, top, left + side, top + side]
}

// What a frame shows, gray; edge pixels repeat where it leaves the picture
export function cropFrame(image, [x0, y0, x1, y1], size = C.size) {
  const left = Math.floor(x0), top = Math.floor(y0), width = Math.ceil(x1) - left, height = Math.ceil(y1) - top
  const data = new Uint8Array(width*height)
  for (let y = 0, to = 0; y < height; y++) {
    const row = clip(y + top, 0, image.height - 1)*image.width
    for (let x = 0; x < width; x++, to++) {
      const at = 4*(row + clip(x + left, 0, image.width - 1))
      data[to] = luma(image.data[at], image.data[at + 1], image.data[at + 2])
    }
  }
  const part = { data, width, height, channels: 1 }
  return resize(part, size, size, 'bicubic', [x0 - left, y0 - top, x1 - left, y1 - top])
}

// A point of a photo w×h that was turned clockwise, turned back
export function turnedBack([x, y, ...rest], turned, [w, h]) {
  const back = { 0: [x, y], 90: [y, h - x], 180: [w - x, h - y], 270: [w - y, x] }[turned]
  return [...back, ...rest]
}

function boxBack([x0, y0, x1, y1], turned, size) {
  const a = turnedBack([x0, y0], turned, size), b = turnedBack([x1, y1], turned, size)
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])]
}

// Where points of a face's crop, 0 to 1, lie in the photo
export function inPhoto({ frame, turned }, points) {
  const [x0, y0, x1] = frame, side = x1 - x0
  return points.map(p => {
    const [x, y, z] = turnedBack(p, turned, [1, 1])
    return [x*side + x0, y*side + y0, z*side]
  })
}

// Boxes on a canvas as boxes in the photo, largest first; none centred on the border
function largestFirst(found, [w, h], scale, border) {
  const faces = found.map(({ box, score }) => ({ score, box: box.map((v, i) => rint((v - border)/scale[i%2]*32)/32) }))
  const kept = faces.filter(({ box: [x0, y0, x1, y1] }) => {
    const x = (x0 + x1)/2, y = (y0 + y1)/2
    return x1 > x0 && y1 > y0 && x >= 0 && y >= 0 && x <= w && y <= h
  })
  const size = ({ box: [x0, y0, x1, y1] }) => rint((x1 - x0)*(y1 - y0))
  return kept.sort((a, b) => size(b) - size(a) || a.box[0] - b.box[0])
}

// Boxes and scores in the photo turned clockwise
async function look({ small, scale, border }, { width, height }, turned) {
  let size = [width, height]
  if (turned) small = quarters(small, turned)
  if (turned%180) { size = size.reverse(); scale = [scale[1], scale[0]] }
  const longest = Math.max(small.width, small.height)
  const window = Math.max(20, C.min_face*Math.min(...scale)/C.SMALLER, longest/C.WINDOWS)
  return largestFirst(await mtcnn(small, window, border, [.6, .4, C.min_score]), size, scale, border)
}

const best = found => found.reduce((most, f) => Math.max(most, f.score), 0)

// All faces, whichever side of the photo is up, largest first: [{box, score, crop, frame, turned}, …]
export async function findFaces(image, anyWay = true) {
  const fitted = fit(image, C.max_side), found = { 0: await look(fitted, image, 0) }
  let turned = 0
  if (anyWay && best(found[0]) < C.CERTAIN) {
    for (const t of [90, 180, 270]) found[t] = await look(fitted, image, t)
    for (const t of [90, 180, 270]) if (best(found[t]) > best(found[turned])) turned = t
    if (best(found[turned]) < Math.max(C.SURE, best(found[0]) + C.BETTER)) turned = 0
  }
  const upright = found[turned].length ? quarters(image, turned) : image, size = [image.width, image.height]
  return found[turned].map(({ box, score }) => {
    const frame = frameBox(box), crop = cropFrame(upright, frame)
    return { box: boxBack(box, turned, size), score, crop, frame: boxBack(frame, turned, size), turned }
  })
}

// A face that FaceMesh found, framed and cropped like the others
export function faceFromPoints(image, points) {
  const frame = framePoints(points)
  return { box: boxIn(frame), score: null, crop: cropFrame(image, frame), frame, turned: 0 }
}
