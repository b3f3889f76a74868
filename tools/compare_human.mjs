// The worker of tools/compare.py for npm's @vladmandic/human, on its WebAssembly backend: node compare_human.mjs ENVIRONMENT FOLDER
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [environment, folder] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(environment), 'package.json'));
const at = (...parts) => path.join(path.resolve(environment), 'node_modules', ...parts);
// Its loader fetches models by address; they lie in the package.
globalThis.fetch = async (url) => new Response(fs.readFileSync(new URL(url)));

const started = performance.now();
const { Human } = require(at('@vladmandic/human/dist/human.node-wasm.js'));
const jpeg = require('jpeg-js');
const human = new Human({
  backend: 'wasm', wasmPath: at('@tensorflow/tfjs-backend-wasm/dist/'), modelBasePath: `file://${at('@vladmandic/human/models')}/`,
  debug: false, cacheSensitivity: 0, filter: { enabled: false }, body: { enabled: false }, hand: { enabled: false }, gesture: { enabled: false }, object: { enabled: false },
  face: { enabled: true, mesh: { enabled: true }, iris: { enabled: false }, description: { enabled: false }, emotion: { enabled: true, minConfidence: 0, skipFrames: 0, skipTime: 0 }, detector: { skipFrames: 0, skipTime: 0 } },
});
const tf = human.tf;
await human.load();
const load_seconds = (performance.now() - started) / 1000;

const NAMES = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
const net = human.models.models.emotion;
const size = net.inputs[0].shape[2];

// The emotion network as its own code calls it: resized, 0..1 to -1..1.
function face(gray) {
  return tf.tidy(() => {
    const x = tf.image.resizeBilinear(tf.div(tf.tensor(gray, [1, 48, 48, 1], 'float32'), 255), [size, size]);
    const scores = net.execute(tf.mul(tf.sub(x, 0.5), 2)).dataSync();
    return NAMES[scores.indexOf(Math.max(...scores))];
  });
}
async function largest(rgb, height, width) {
  const picture = tf.tensor(rgb, [1, height, width, 3], 'float32');
  const { face: found } = await human.detect(picture);
  picture.dispose();
  if (!found.length) return null;
  const { emotion } = found.reduce((a, b) => (a.box[2] * a.box[3] >= b.box[2] * b.box[3] ? a : b));
  return emotion?.length ? emotion.reduce((a, b) => (a.score >= b.score ? a : b)).emotion : null;
}
const picture = (gray) => largest(Float32Array.from({ length: 3 * gray.length }, (_, i) => gray[Math.floor(i / 3)]), 384, 384);
function photo(file) {
  const { data, width, height } = jpeg.decode(fs.readFileSync(file), { useTArray: true, formatAsRGBA: false });
  return largest(data, height, width);
}

function* pictures(file, side) {
  const f = fs.openSync(file), raw = Buffer.alloc(side * side);
  while (fs.readSync(f, raw) === side * side) yield raw;
  fs.closeSync(f);
}
async function timed(answer, inputs) {
  const answers = [], took = [];
  for (const x of inputs) {
    const begin = performance.now();
    answers.push(await answer(x));
    took.push(performance.now() - begin);
  }
  return [answers, took.sort((a, b) => a - b)[Math.floor(took.length / 2)]];
}

const [bare, ms_a_face] = await timed(face, pictures(path.join(folder, 'faces'), 48));
const [framed] = await timed(picture, pictures(path.join(folder, 'framed'), 384));
const [, ms_a_photo] = await timed(photo, Array(30).fill(path.join(folder, 'portrait.jpg')));
fs.writeFileSync(path.join(folder, 'answers.json'), JSON.stringify({ load_seconds, bare, ms_a_face, framed, ms_a_photo }));
process.exit();
