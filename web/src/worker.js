// The networks run here, beside the page. A message {id, task, image} is answered by {id, answer} or {id, error}.
import { Follower } from './follow.js'
import { predict, warmUp } from './inference.js'

let follower
const tasks = {
  predict: ({ image }) => predict(image),
  begin: () => { follower = new Follower() },
  frame: ({ image, time }) => follower.frame(image, time),
}

async function answer({ id, task, ...rest }) {
  try { self.postMessage({ id, answer: await tasks[task](rest) }) }
  catch (error) { self.postMessage({ id, error: error.message }) }
}
let last = Promise.resolve() // one after the other: a network runs once at a time
self.onmessage = ({ data }) => { last = last.then(() => answer(data)) }
try { await warmUp(); self.postMessage({ id: 'ready' }) }
catch (error) { self.postMessage({ id: 'ready', error: error.message }) }
