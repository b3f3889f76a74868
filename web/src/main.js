// The page: a picture, the camera or a film, and what its faces show.
import { ask, ready } from './client.js'
import { C } from './core.js'
import { card, drawFaces, label, readingOrder } from './draw.js'
import { loadImage, videoFrame } from './image.js'
import { revise } from './inference.js'

const by = id => document.getElementById(id)
const [stage, video, view, state, speed] = ['stage', 'video', 'view', 'state', 'speed'].map(by)
const [file, cards, points, pause, stop, seek] = ['file', 'faces', 'points', 'pause', 'stop', 'seek'].map(by)
const pen = view.getContext('2d')
const chosen = { truth: 'people', prior: null }
export const shown = { kind: null, faces: [], photo: null, rate: 0, count: 0 } // what the page shows now
let turn = 0                                                       // grows with everything that is opened

const say = (text, wrong = false) => { state.textContent = text; state.classList.toggle('wrong', wrong) }
const numbered = faces => [...faces].sort((a, b) => a.number - b.number)
const answered = () => shown.faces.map(p => revise(p, chosen.truth, chosen.prior))

// The photo or frame that was read, with what was found in it
function show() {
  const { photo, kind } = shown
  if (!photo) return // not there yet
  const faces = answered(), scale = Math.max(1, Math.ceil(1000/photo.width)) // lines and words are sharp on a small one
  Object.assign(view, { width: photo.width*scale, height: photo.height*scale })
  const { width } = view, mirror = kind === 'camera' ? width : 0
  if (mirror) pen.setTransform(-1, 0, 0, 1, width, 0)
  pen.drawImage(photo, 0, 0, width, view.height)
  pen.resetTransform()
  drawFaces(pen, faces, { scale, mirror, points: points.checked, unit: width/(view.clientWidth || width) })
  cards.replaceChildren(...numbered(faces).map(card))
}

// Make room for something else
function open(kind) {
  turn++
  for (const track of video.srcObject?.getTracks() ?? []) { track.onended = null; track.stop() }
  if (video.src) URL.revokeObjectURL(video.src)
  video.srcObject = null; video.removeAttribute('src'); video.load()
  Object.assign(shown, { kind, faces: [], photo: null, rate: 0, count: 0 })
  const live = kind === 'camera' || kind === 'film'
  stage.className = kind ?? 'empty'
  view.hidden = true; video.hidden = pause.hidden = stop.hidden = !live; seek.hidden = kind !== 'film'
  for (const name of ['picture', 'camera', 'film']) by(name).setAttribute('aria-pressed', name === kind)
  pause.textContent = 'Pause'
  cards.replaceChildren(); speed.textContent = ''
  return turn
}

function reveal(photo) {
  shown.photo = photo
  stage.style.setProperty('--aspect', photo.width/photo.height)
  view.hidden = false
}

async function openPicture(data) {
  const mine = open('picture')
  say('Reading the picture …')
  try {
    const image = await loadImage(data)
    if (mine !== turn) return
    const photo = new OffscreenCanvas(image.width, image.height)
    photo.getContext('2d').putImageData(new ImageData(image.data, image.width, image.height), 0, 0)
    reveal(photo)
    show()
    say('Looking for faces …')
    const start = performance.now(), faces = await ask('predict', image)
    if (mine !== turn) return
    const read = readingOrder(faces)
    shown.faces = faces.map(p => p.box ? { ...p, number: read.length > 1 ? read.indexOf(p) + 1 : '' } : p)
    show()
    const said = numbered(answered()).filter(p => p.box), many = said.length > 1 ? 's' : ''
    const found = `${said.length} face${many}: ${said.map(label).join(', ')}`
    say(said.length ? found : 'No face was found. Try a larger or brighter one.')
    speed.textContent = `${((performance.now() - start)/1000).toFixed(1)} s in this browser`
  } catch (error) { if (mine === turn) { if (!shown.photo) open(null); say(error.message, true) } }
}

// Waits until the video has a frame that nobody took yet
function newFrames(mine) {
  let there = true, wake
  const tell = () => {
    there = true
    wake?.()
    if (mine === turn) video.requestVideoFrameCallback?.(tell)
  }
  tell()
  return async (patience = 100) => { // milliseconds: a paused film, or a hidden tab, tells nothing
    if (!there && patience) await new Promise(resolve => { wake = resolve; setTimeout(resolve, patience) })
    const news = there || !video.requestVideoFrameCallback
    there = false
    return news
  }
}

const NOBODY = { film: 'No face here.', camera: 'No face yet. Look into the camera, with light on your face.' }

function showFrame({ faces, canvas, time }, times) {
  Object.assign(shown, { faces, count: shown.count + 1 })
  reveal(canvas)
  show()
  seek.value = time/video.duration || 0
  times.push(performance.now())
  if (times.length > 20) times.shift()
  shown.rate = times.length > 1 ? 1000*(times.length - 1)/(times.at(-1) - times[0]) : 0
  speed.textContent = `${shown.rate.toFixed(shown.rate < 9.5 ? 1 : 0)} frames a second in this browser`
  say(faces.length ? '' : NOBODY[shown.kind])
}

// The newest frame, again and again, each shown while the next one is read; frames that come meanwhile are never seen
async function watch(mine) {
  await ask('begin')
  const times = [], news = newFrames(mine)
  say('')
  for (let read = null, last = -1; mine === turn;) {
    let asked = null, taken = null
    if (await news(read ? 0 : 100) && video.readyState > 1 && video.currentTime !== last) {
      const { canvas, ...image } = videoFrame(video)
      taken = { canvas, time: last = video.currentTime }
      asked = ask('frame', image, { time: performance.now()/1000 })
    }
    if (read) showFrame(read, times)
    read = asked && { faces: await asked, ...taken }
  }
}

const refused = error => error instanceof DOMException && C.words.REFUSED[error.name]

async function openCamera() {
  const mine = open('camera')
  say('Waiting for the camera …')
  try {
    if (!navigator.mediaDevices) throw new Error(C.words.REFUSED.Error)
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: 'user' } })
    if (mine !== turn) { stream.getTracks().forEach(t => t.stop()); return }
    stream.getTracks()[0].onended = () => {
      open(null)
      say('The camera has gone. Plug it in, then press Camera again.', true)
    }
    video.srcObject = stream
    await video.play()
    await watch(mine)
  } catch (error) { if (mine === turn) { open(null); say(refused(error) || error.message, true) } }
}

async function openFilm(data) {
  const mine = open('film')
  say('Reading the film …')
  try {
    video.src = URL.createObjectURL(data)
    const wrong = `${data.name} is not a film that this browser can play. Try MP4 or WebM.`
    await video.play().catch(() => { throw new Error(wrong) })
    await watch(mine)
  } catch (error) { if (mine === turn) { open(null); say(error.message, true) } }
}

const openFile = data => data && (data.type.startsWith('video/') ? openFilm(data) : openPicture(data))

function choose(accept) { file.accept = accept; file.value = ''; file.click() }
by('picture').onclick = () => choose('image/*')
by('film').onclick = () => choose('video/*')
by('camera').onclick = openCamera
file.onchange = () => openFile(file.files[0])
stop.onclick = () => { open(null); say('') }
pause.onclick = () => { if (video.paused) video.play(); else video.pause() }
seek.oninput = () => { video.currentTime = seek.value*video.duration }
video.onplay = video.onpause = () => { pause.textContent = video.paused ? 'Go on' : 'Pause' }
points.onchange = show
new ResizeObserver(show).observe(stage)
addEventListener('pagehide', () => open(null))
addEventListener('paste', e => openFile(e.clipboardData.files[0]))
addEventListener('dragover', e => { e.preventDefault(); stage.classList.add('over') })
addEventListener('dragleave', () => stage.classList.remove('over'))
addEventListener('drop', e => { e.preventDefault(); stage.classList.remove('over'); openFile(e.dataTransfer.files[0]) })

function choices(id, name, words, values) {
  by(id).append(...Object.entries(words).map(([key, text]) => {
    const input = document.createElement('input')
    Object.assign(input, { type: 'radio', name, value: key, checked: chosen[name] === values(key) })
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
try {
  await ready
  if (!shown.kind) say('')
  navigator.serviceWorker?.register('sw.js').catch(() => {}) // without it the page needs the network at every visit
} catch (error) { say(error.message, true) }
