// The page: a picture, the camera or a film, and what its faces show.
import { ask, ready } from './client.js'
import { C } from './core.js'
import { card, drawFaces, label } from './draw.js'
import { loadImage, videoFrame } from './image.js'
import { revise } from './inference.js'

const [stage, video, view, state, speed, file, cards, points, pause, stop] =
  ['stage', 'video', 'view', 'state', 'speed', 'file', 'faces', 'points', 'pause', 'stop'].map(id => document.getElementById(id))
const pen = view.getContext('2d')
const chosen = { truth: 'people', prior: null }
export const shown = { kind: null, faces: [], photo: null, width: 0, rate: 0 } // what the page shows now
let turn = 0                                                       // grows with everything that is opened

const say = (text, wrong = false) => { state.textContent = text; state.classList.toggle('wrong', wrong) }
const answered = () => shown.faces.map(p => revise(p, chosen.truth, chosen.prior))

function show() {
  if (shown.kind === 'picture' ? !shown.photo : !shown.width) return // not there yet
  const faces = answered(), live = shown.kind !== 'picture'
  if (live) paintOver(faces); else paintPhoto(faces)
  cards.replaceChildren(...faces.map(card))
}

function paintPhoto(faces) {
  const { photo } = shown
  Object.assign(view, { width: photo.width, height: photo.height })
  pen.drawImage(photo, 0, 0)
  drawFaces(pen, faces, { scale: 1, points: points.checked, unit: Math.max(1, photo.width/(view.clientWidth || photo.width)) })
}

function paintOver(faces) {
  const unit = devicePixelRatio, [width, height] = [video.clientWidth, video.clientHeight].map(v => Math.round(v*unit))
  Object.assign(view, { width, height })
  drawFaces(pen, faces, { scale: width/shown.width, mirror: shown.kind === 'camera' ? width : 0, points: points.checked, unit })
}

// Make room for something else
function open(kind) {
  turn++
  for (const track of video.srcObject?.getTracks() ?? []) { track.onended = null; track.stop() }
  if (video.src) URL.revokeObjectURL(video.src)
  video.srcObject = null; video.removeAttribute('src'); video.load()
  Object.assign(shown, { kind, faces: [], photo: null, width: 0, rate: 0 })
  const live = kind === 'camera' || kind === 'film'
  stage.className = kind ? live ? 'live' : 'still' : 'empty'
  stage.classList.toggle('mirrored', kind === 'camera')
  video.hidden = !live; view.hidden = !kind; pause.hidden = stop.hidden = !live
  video.controls = kind === 'film'
  for (const name of ['picture', 'camera', 'film']) document.getElementById(name).setAttribute('aria-pressed', name === kind)
  pause.textContent = 'Pause'
  cards.replaceChildren(); speed.textContent = ''
  return turn
}

async function openPicture(data) {
  const mine = open('picture')
  view.hidden = true
  say('Reading the picture …')
  try {
    const image = await loadImage(data)
    if (mine !== turn) return
    shown.photo = new OffscreenCanvas(image.width, image.height)
    shown.photo.getContext('2d').putImageData(new ImageData(image.data, image.width, image.height), 0, 0)
    view.hidden = false
    show()
    say('Looking for faces …')
    const start = performance.now(), faces = await ask('predict', image)
    if (mine !== turn) return
    shown.faces = faces.map((p, i) => p.box ? { ...p, number: faces.length > 1 ? i + 1 : '' } : p)
    show()
    const read = answered().filter(p => p.box)
    say(read.length ? `${read.length} face${read.length > 1 ? 's' : ''}: ${read.map(label).join(', ')}` : 'No face was found. Try a larger or brighter one.')
    speed.textContent = `${((performance.now() - start)/1000).toFixed(1)} s in this browser`
  } catch (error) { if (mine === turn) { if (!shown.photo) open(null); say(error.message, true) } }
}

const nextFrame = () => new Promise(resolve => {
  if (video.requestVideoFrameCallback && !video.paused) video.requestVideoFrameCallback(resolve)
  setTimeout(resolve, 100) // paused, or in a hidden tab
})

// The newest frame, again and again; frames that come while one is being read are never seen
async function watch(mine) {
  await ask('begin')
  const times = []
  say('')
  for (let last = -1; mine === turn; await nextFrame()) {
    if (video.readyState < 2 || video.currentTime === last) continue
    last = video.currentTime
    const { scale, ...image } = videoFrame(video), { width } = image
    const faces = await ask('frame', image, { time: performance.now()/1000 })
    if (mine !== turn) return
    Object.assign(shown, { faces, width })
    show()
    times.push(performance.now())
    if (times.length > 20) times.shift()
    shown.rate = times.length > 1 ? 1000*(times.length - 1)/(times.at(-1) - times[0]) : 0
    speed.textContent = `${shown.rate.toFixed(0)} frames a second in this browser`
    say(faces.length ? '' : 'No face yet. Look into the camera, with light on your face.'.replace(/ Look.*/, shown.kind === 'film' ? '' : '$&'))
  }
}

const REFUSED = {
  NotAllowedError: 'The camera is not allowed. Allow it beside the address of this page, then press Camera again.',
  NotFoundError: 'No camera was found. Plug one in, then press Camera again.',
  NotReadableError: 'The camera is in use by another program. Close that, then press Camera again.',
}

async function openCamera() {
  const mine = open('camera')
  say('Waiting for the camera …')
  try {
    if (!navigator.mediaDevices) throw new Error('Browsers give a camera only to pages with https, or from this machine.')
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: 'user' } })
    if (mine !== turn) { stream.getTracks().forEach(t => t.stop()); return }
    stream.getTracks()[0].onended = () => { open(null); say('The camera has gone. Plug it in, then press Camera again.', true) }
    video.srcObject = stream
    await video.play()
    await watch(mine)
  } catch (error) { if (mine === turn) { open(null); say(REFUSED[error.name] ?? error.message, true) } }
}

async function openFilm(data) {
  const mine = open('film')
  say('Reading the film …')
  try {
    video.src = URL.createObjectURL(data)
    await video.play().catch(() => { throw new Error(`${data.name} is not a film that this browser can play. Try MP4 or WebM.`) })
    await watch(mine)
  } catch (error) { if (mine === turn) { open(null); say(error.message, true) } }
}

const openFile = data => data && (data.type.startsWith('video/') ? openFilm(data) : openPicture(data))

function choose(accept) { file.accept = accept; file.value = ''; file.click() }
document.getElementById('picture').onclick = () => choose('image/*')
document.getElementById('film').onclick = () => choose('video/*')
document.getElementById('camera').onclick = openCamera
file.onchange = () => openFile(file.files[0])
stop.onclick = () => { open(null); say('') }
pause.onclick = () => { if (video.paused) video.play(); else video.pause() }
video.onplay = video.onpause = () => { pause.textContent = video.paused ? 'Go on' : 'Pause' }
points.onchange = show
new ResizeObserver(show).observe(stage)
addEventListener('pagehide', () => open(null))
addEventListener('paste', e => openFile(e.clipboardData.files[0]))
addEventListener('dragover', e => { e.preventDefault(); stage.classList.add('over') })
addEventListener('dragleave', () => stage.classList.remove('over'))
addEventListener('drop', e => { e.preventDefault(); stage.classList.remove('over'); openFile(e.dataTransfer.files[0]) })

function choices(id, name, words, values) {
  document.getElementById(id).append(...Object.entries(words).map(([key, text]) => {
    const input = Object.assign(document.createElement('input'), { type: 'radio', name, value: key, checked: chosen[name] === values(key) })
    input.onchange = () => { chosen[name] = values(key); show() }
    const node = document.createElement('label')
    node.title = C.words.HELP[name]
    node.append(input, text)
    return node
  }))
}
choices('truths', 'truth', C.words.TRUTHS, key => key)
choices('priors', 'prior', C.words.PRIORS, key => C.NAMED[key] ?? null)

say('Loading the networks …')
try { await ready; if (!shown.kind) say('') } catch (error) { say(error.message, true) }
