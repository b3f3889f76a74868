// Boxes and landmarks on a canvas, and a card for each face.
import { C, CLASSES, COLORS, percent } from './core.js'
import { top } from './inference.js'

const read = p => p.status === 'ok' || p.status === 'uncertain'
const whole = p => p > 0 && p < .005 ? '<1%' : percent(p)

export function label(p) {
  if (!read(p)) return p.status === 'too_small' ? 'too small' : ''
  return `${p.emotion}${p.status === 'uncertain' ? '?' : ''} ${whole(p.confidence)}`
}

// Boxes, numbers and words on a picture that is shown `scale` times as large, or seen in a mirror of this width
export function drawFaces(pen, faces, { scale, mirror = 0, points = false, unit = 1 }) {
  const place = x => mirror ? mirror - x*scale : x*scale
  pen.font = `600 ${14*unit}px system-ui, sans-serif`
  pen.textBaseline = 'top'
  for (const p of faces) {
    if (!p.box) continue
    const [x0, x1] = [place(p.box[0]), place(p.box[2])].sort((a, b) => a - b)
    const [y0, y1] = [p.box[1]*scale, p.box[3]*scale]
    const color = COLORS[p.emotion] ?? '#d0d0d0', text = `${p.number} ${label(p)}`.trim()
    if (points && p.landmarks) drawPoints(pen, p.landmarks.map(([x, y]) => [place(x), y*scale]), unit)
    pen.setLineDash(p.status === 'uncertain' ? [6*unit, 4*unit] : [])
    for (const [style, width] of [['#000', 5], [color, 3]]) {
      pen.strokeStyle = style; pen.lineWidth = width*unit
      pen.strokeRect(x0, y0, x1 - x0, y1 - y0)
    }
    const w = pen.measureText(text).width + 8*unit, h = 20*unit
    const left = Math.max(0, Math.min(x0 - unit, pen.canvas.width - w))
    const above = y0 >= h ? y0 - h : Math.min(y1, pen.canvas.height - h)
    pen.fillStyle = color; pen.fillRect(left, above, w, h)
    pen.fillStyle = ink(color); pen.fillText(text, left + 4*unit, above + 3*unit)
  }
}

function ink(color) {
  const [r, g, b] = [1, 3, 5].map(i => parseInt(color.slice(i, i + 2), 16))
  return .299*r + .587*g + .114*b > 110 ? '#000' : '#fff'
}

function drawPoints(pen, points, unit) {
  pen.setLineDash([]); pen.strokeStyle = '#00dcb4'; pen.lineWidth = unit
  for (const path of Object.values(C.CONTOURS)) {
    pen.beginPath()
    path.forEach(i => pen.lineTo(...points[i]))
    pen.stroke()
  }
}

// Boxes as one reads a page: row by row, each row from left to right; boxes of one row overlap in height by half
export function readingOrder(faces) {
  const rows = [], height = ([, y0, , y1]) => y1 - y0
  const beside = (a, b) => Math.min(a[3], b[3]) - Math.max(a[1], b[1]) >= .5*Math.min(height(a), height(b))
  for (const p of faces.filter(p => p.box).sort((a, b) => a.box[1] + a.box[3] - b.box[1] - b.box[3])) {
    if (rows.length && beside(p.box, rows.at(-1)[0].box)) rows.at(-1).push(p)
    else rows.push([p])
  }
  return rows.flatMap(row => row.sort((a, b) => a.box[0] - b.box[0]))
}

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}

const capital = text => text[0].toUpperCase() + text.slice(1)

function headline(p) {
  if (p.status === 'uncertain') return `Uncertain, perhaps ${p.emotion}`
  return read(p) ? capital(p.emotion) : { too_small: 'Too small', no_face: 'No face' }[p.status]
}

function bars(p) {
  const rows = CLASSES.map(c => {
    const fill = make('i'), row = make('li', { className: c === p.emotion ? 'top' : '' }, make('span', {}, c),
      make('i', {}, fill), make('b', {}, whole(p.probabilities[c])))
    fill.style.width = percent(p.probabilities[c], 2)
    row.style.setProperty('--c', COLORS[c])
    return row
  })
  return make('ul', { className: 'bars' }, ...rows)
}

function picture({ data, width, height }) {
  const canvas = make('canvas', { width, height }), pixels = new ImageData(width, height)
  data.forEach((v, i) => pixels.data.set([v, v, v, 255], 4*i))
  canvas.getContext('2d').putImageData(pixels, 0, 0)
  return canvas
}

export function card(p) {
  const dot = make('i'), number = p.number ? `${p.number}. ` : ''
  const head = make('h2', {}, ...(p.emotion ? [dot] : []), number + headline(p))
  dot.style.background = COLORS[p.emotion]
  const why = read(p) ? p.reasons.join('; ') : p.message, body = make('div', {}, head)
  if (read(p)) {
    const [[first, a], [second, b]] = top(p)
    const sure = `${whole(a)}, then ${second}, ${whole(b)}.`
    const unsure = `Perhaps ${first} (${whole(a)}), perhaps ${second} (${whole(b)}).`
    body.append(make('p', {}, p.status === 'uncertain' ? unsure : sure))
  }
  if (why) body.append(make('p', {}, capital(why) + (why.endsWith('.') ? '' : '.')))
  if (p.probabilities) body.append(bars(p))
  return make('article', { className: 'face' }, ...(p.crop ? [picture(p.crop)] : []), body)
}
