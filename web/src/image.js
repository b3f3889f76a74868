// From a file or a playing film to upright RGBA pixels: fer_nb.image.
const MOST = 50e6 // pixels

function pixels(source, canvas) {
  const { width, height } = canvas, pen = canvas.getContext('2d', { willReadFrequently: true })
  pen.drawImage(source, 0, 0, width, height)
  return pen.getImageData(0, 0, width, height)
}

// Transparency on white, in place
function opaque({ data, width, height }) {
  for (let i = 3; i < data.length; i += 4) {
    if (data[i] === 255) continue
    for (let k = i - 3; k < i; k++) data[k] = Math.round((data[k]*data[i] + 255*(255 - data[i]))/255)
    data[i] = 255
  }
  return { data, width, height, channels: 4 }
}

// A picture file as {data, width, height}; an Error says in a sentence why not
export async function loadImage(file) {
  let bitmap
  try { bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }) }
  catch { throw new Error(`${file.name || 'This file'} is not a picture that this browser can read. Try JPEG or PNG.`) }
  const { width, height } = bitmap
  if (width*height > MOST) throw new Error(`This picture has ${width}×${height} pixels. Save a smaller copy.`)
  const image = opaque(pixels(bitmap, new OffscreenCanvas(width, height)))
  bitmap.close()
  return image
}

// What a video element shows now, its longer side at most `side`, and the canvas that it is on
export function videoFrame(video, side = 640) {
  const by = Math.min(1, side/Math.max(video.videoWidth, video.videoHeight))
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth*by), Math.round(video.videoHeight*by))
  return { canvas, ...opaque(pixels(video, canvas)) }
}
