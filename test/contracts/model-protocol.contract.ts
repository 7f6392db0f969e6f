import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Registry } from '../../src/modules/providers/models/registry.service.ts'
import { type Model, modelRequest, type ToolCall } from '../../src/platform/models.ts'
import type { ProviderConfig } from '../../src/platform/providers.ts'
import { answerWith, aQuestion, askModel, type ModelServer, registryOf, startModelServer } from '../kit/model-server.ts'

/** A protocol, as its real SDK speaks it. */
export interface ModelProtocol {
  readonly name: string
  /** The provider, at the address of a server of this machine. */
  readonly provider: (url: string) => ProviderConfig
  readonly modelId: string
  /** Where the request goes to. */
  readonly path: string
  /** Null where this protocol shows no thoughts. */
  readonly thinkingModelId: string | null
  /** What stands in the second request of what the model said in its first step. */
  readonly replays: readonly RegExp[]
  /** Thoughts that come with the call, and are shown to it again, where the protocol does that. */
  readonly thoughtsWithCall?: boolean
  /** The usage of a fixture as this protocol names it, that comes to 11 and 7; not every mock takes one. */
  readonly usage?: Readonly<Record<string, number>>
  readonly countsTokens?: false
  /** Its SDK leaves out what was said in the same step as calls. */
  readonly dropsTextBesideCalls?: true
  /** What stands between and sets right what the mock says otherwise than the provider does. */
  readonly correct?: (upstream: string) => Promise<{ readonly url: string; close(): Promise<void> }>
}

const answer = 'The sea is eleven kilometres deep where it is deepest.'
const tool = {
  name: 'depth',
  description: 'Tells how deep a place is.',
  inputSchema: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
} as const

/** What every protocol does. */
export function describeModelProtocol(protocol: ModelProtocol): void {
  let server: ModelServer
  let registry: Registry & { close(): Promise<void> }
  /** Past the place where faults are made, which would tell of a cut in words of its own. */
  let direct: typeof registry
  const modelOf = (id: string, from = registry): Model => {
    const model = from.findModel(id)
    if (model === null) throw new Error(`There is no ${id}`)
    return model
  }
  const model = () => modelOf(protocol.modelId)
  const bodies = () => Promise.all(server.requests.map((request) => request.body.getText()))

  beforeAll(async () => {
    server = await startModelServer(protocol.correct)
  })
  // Anew for each test: failures of one would open the circuit for the next.
  beforeEach(() => {
    registry = registryOf([protocol.provider(server.url)])
    direct = registryOf([protocol.provider(server.upstream)])
  })
  afterEach(async () => {
    await registry.close()
    await direct.close()
    await server.reset()
  })
  afterAll(() => server.close())

  describe(protocol.name, () => {
    test('streams a text in pieces, and says how it ended and what it took', async () => {
      answerWith(server, { content: answer, ...(protocol.usage === undefined ? {} : { usage: protocol.usage }) })
      const { parts, text, end, failure } = await askModel(model())
      expect(failure).toBeNull()
      expect(text).toBe(answer)
      expect(parts[0]).toMatchObject({ type: 'attempt', modelId: protocol.modelId })
      expect(parts.filter((part) => part.type === 'text').length).toBeGreaterThan(2)
      expect(parts.at(-1)).toBe(end)
      expect(end?.reason).toBe('stop')
      if (protocol.usage !== undefined) expect(end?.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 })
      else if (protocol.countsTokens !== false) expect(end?.usage?.outputTokens).toBeGreaterThan(0)
      expect(server.requests.map(({ path }) => path)).toEqual([protocol.path])
    })

    test('asks for a tool, is told its result, and goes on from there', async () => {
      const reasoning = protocol.thoughtsWithCall === true ? { reasoning: 'Somebody has measured that.' } : {}
      const toolCalls = [{ id: 'call_1', name: tool.name, arguments: '{"place":"Challenger"}' }]
      server.mock.on({ hasToolResult: false }, { toolCalls, ...reasoning })
      server.mock.on({ hasToolResult: true }, { content: answer })
      const asked = modelRequest({ messages: aQuestion.messages, tools: [tool], reasoning: 'LOW' })
      const first = await askModel(model(), asked)
      expect(first.failure).toBeNull()
      expect(first.end?.reason).toBe('tools')
      const calls = first.parts.flatMap((part): ToolCall[] => (part.type === 'call' ? [part.call] : []))
      expect(calls).toMatchObject([{ name: 'depth', input: { place: 'Challenger' } }])
      const [call] = calls
      const results = [{ callId: call?.id ?? '', name: 'depth', output: { metres: 10_935 }, isError: false }]
      const said = { role: 'assistant', content: first.text, calls, replay: first.end?.replay ?? null } as const
      const kept = JSON.parse(JSON.stringify(said)) as typeof said
      const second = await askModel(model(), {
        ...asked,
        messages: [...asked.messages, kept, { role: 'tool', results }],
      })
      expect(second.failure).toBeNull()
      expect(second.text).toBe(answer)
      const [body1 = '', body2 = ''] = await bodies()
      expect(body1).toContain('Tells how deep a place is.')
      for (const pattern of [/Challenger/, /10935/, ...protocol.replays]) expect(body2).toMatch(pattern)
    })

    test('says to another model what was called without what only its own understands', async () => {
      answerWith(server, { content: answer })
      const replay = { providerId: 'elsewhere', modelId: 'elsewhere/one', content: [{ type: 'text', text: 'sealed' }] }
      const calls = [{ id: 'call_1', name: 'depth', input: undefined }]
      const results = [{ callId: 'call_1', name: 'depth', output: 'no such place', isError: true }]
      const { text } = await askModel(model(), {
        ...aQuestion,
        tools: [tool],
        messages: [
          { role: 'system', content: 'Be brief.' },
          ...aQuestion.messages,
          { role: 'assistant', content: 'Let me see.', calls, replay },
          { role: 'tool', results },
        ],
      })
      expect(text).toBe(answer)
      const [body = ''] = await bodies()
      const beside = protocol.dropsTextBesideCalls === true ? [] : [/Let me see\./]
      for (const pattern of [/Be brief\./, ...beside, /no such place/]) expect(body).toMatch(pattern)
      expect(body).not.toContain('sealed')
    })

    if (protocol.thinkingModelId !== null) {
      const id = protocol.thinkingModelId
      test('thinks where it is asked to, apart from what it says', async () => {
        answerWith(server, { content: answer, reasoning: 'Deeper than mountains are high.' })
        const { text, reasoning, failure } = await askModel(modelOf(id), { ...aQuestion, reasoning: 'MEDIUM' })
        expect(failure).toBeNull()
        expect([text, reasoning]).toEqual([answer, 'Deeper than mountains are high.'])
      })
    }

    test('waits as long as it is told to after a 429, and asks again', async () => {
      answerWith(server, { content: answer })
      const error = JSON.stringify({ error: { message: 'slow down' } })
      await server.faults.forAnyRequest().once().thenReply(429, error, { 'retry-after': '0.3' })
      const before = performance.now()
      const { text, attempts } = await askModel(model())
      expect([text, attempts]).toEqual([answer, 2])
      expect(performance.now() - before).toBeGreaterThan(290)
    })

    test('does not wait for longer than it is worth', async () => {
      await server.faults.forAnyRequest().thenReply(429, '{}', { 'retry-after': '3600' })
      const { failure, attempts } = await askModel(model())
      expect(failure).toMatchObject({ code: 'MODEL_RATE_LIMITED', retryAfterSeconds: 3_600 })
      expect(attempts).toBe(1)
    })

    test.each([500, 503, 529])('asks again after a %i', async (status) => {
      answerWith(server, { content: answer })
      await server.faults.forAnyRequest().times(3).thenReply(status, '{"error":{"message":"secret words"}}')
      expect(await askModel(model())).toMatchObject({ text: answer, attempts: 4, failure: null })
    })

    test.each([500, 503, 529])('gives up after a fourth %i, and repeats nothing of it', async (status) => {
      await server.faults.forAnyRequest().times(4).thenReply(status, '<html>secret words</html>')
      const { failure, attempts } = await askModel(model())
      expect(failure?.code).toMatch(/^MODEL_(FAILED|OVERLOADED)$/)
      expect([attempts, `${failure?.message}`.includes('secret')]).toEqual([4, false])
    })

    test.each([
      [400, 'MODEL_REFUSED_REQUEST'],
      [401, 'MODEL_KEY_REFUSED'],
      [403, 'MODEL_KEY_REFUSED'],
      [404, 'MODEL_REFUSED_REQUEST'],
      [413, 'PROMPT_TOO_LONG'],
      [422, 'MODEL_REFUSED_REQUEST'],
    ])('does not ask again after a %i', async (status, code) => {
      await server.faults.forAnyRequest().thenReply(status, '{"error":{"message":"no"}}')
      const { failure, attempts } = await askModel(model())
      expect([failure?.code, attempts]).toEqual([code, 1])
    })

    test('asks again when nothing comes', async () => {
      answerWith(server, { content: answer })
      await server.faults.forAnyRequest().once().thenTimeout()
      const impatient = registryOf([protocol.provider(server.url)], { firstPartMillis: 1_500 })
      const outcome = await askModel(modelOf(protocol.modelId, impatient))
      expect(outcome).toMatchObject({ text: answer, attempts: 2, failure: null })
      await impatient.close()
    })

    test('says so when nothing ever comes', async () => {
      await server.faults.forAnyRequest().thenTimeout()
      const hasty = registryOf([protocol.provider(server.url)], { firstPartMillis: 100 })
      const { failure, attempts } = await askModel(modelOf(protocol.modelId, hasty))
      expect([failure?.code, attempts]).toEqual(['MODEL_TIMED_OUT', 4])
      await hasty.close()
    })

    test('asks again when the connection breaks before the answer', async () => {
      answerWith(server, { content: answer })
      await server.faults.forAnyRequest().once().thenResetConnection()
      expect(await askModel(model())).toMatchObject({ text: answer, attempts: 2, failure: null })
    })

    test('is cut in the middle: what came stays, nothing is asked again', async () => {
      answerWith(server, { content: answer.repeat(20) }, { truncateAfterChunks: 12, latency: 5 })
      const { text, failure, attempts, end } = await askModel(modelOf(protocol.modelId, direct))
      expect(failure?.code).toBe('MODEL_CUT')
      expect([attempts, end]).toEqual([1, null])
      expect(text.length).toBeGreaterThan(0)
      expect(answer.repeat(20).startsWith(text)).toBe(true)
    })

    test.each([
      ['a page', '<html><body>Welcome to the hotel</body></html>', 'text/html'],
      ['half a line', 'data: {"a":', 'text/event-stream'],
      ['lines of no JSON', 'data: nonsense\n\nnonsense\n\n', 'text/event-stream'],
      ['nothing', '', 'text/event-stream'],
    ])('is told %s for an answer', async (_what, text, type) => {
      await server.faults.forAnyRequest().thenReply(200, text, { 'content-type': type })
      const { failure, text: said } = await askModel(model())
      expect(said).toBe('')
      expect(failure?.code).toMatch(/^MODEL_(SAID_NONSENSE|CUT|FAILED)$/)
    })

    test('stops as soon as nobody wants the answer, and lets go of the connection', async () => {
      await server.faults.forAnyRequest().thenTimeout()
      const left: string[] = []
      await server.faults.on('abort', ({ path }) => void left.push(path))
      const stop = new AbortController()
      const asked = askModel(model(), aQuestion, stop.signal)
      await expect.poll(() => server.requests.length).toBe(1)
      stop.abort(new Error('Enough'))
      await expect(asked).rejects.toThrow('Enough')
      await expect.poll(() => left).toEqual([protocol.path])
    })

    test('follows no redirect: the key would go along', async () => {
      await server.faults.forAnyRequest().thenReply(307, '', { location: `${server.mock.url}/v1/elsewhere` })
      const { failure } = await askModel(model())
      expect(failure).not.toBeNull()
      expect(server.mock.getRequests()).toEqual([])
      expect(server.requests).toHaveLength(1)
    })
  })
}
