import { setTimeout as pause } from 'node:timers/promises'
import { parseJson } from '../lib/json.ts'
import { type Model, ModelFailed, type ModelPart, type ModelRequest, type ToolCall } from './models.ts'

/** What a scripted model does after so many tokens, and how long it takes for each. */
interface Scenario {
  readonly tokens: number
  readonly tokenMillis: number
  readonly kind: Kind
}

const kinds = ['words', 'slow', 'think', 'tools', 'badjson', 'limited', 'cut', 'error', 'stall'] as const
type Kind = (typeof kinds)[number]

const MAX_TOKENS = 100_000
const DEFAULT_TOKENS = 40
const PACE_MILLIS = 5
const SLOW_MILLIS = 200
const FOREVER_MILLIS = 2 ** 31 - 1

// Scripts of every width, characters of two UTF-16 units among them: what is cut in the wrong place shows.
const WORDS = ['ocean ', 'graph ', 'é', '海', '洋 ', '🌊', 'קצף ', '👩‍🚀 ', 'naïve ', '\n', 'x'] as const

const namePattern = new RegExp(`^scenario/(${kinds.join('|')})(?:-(\\d{1,6}))?$`)

/**
 * Models that follow a script, for tests and for front ends to try themselves on: `scenario/words-N` writes N tokens,
 * `scenario/slow-N` the same at 5 a second, `scenario/think-N` thinks as many first, `scenario/cut-N` loses its connection
 * after N, `scenario/limited-N` is told that it asks too often after N, `scenario/error-N` fails with a message,
 * `scenario/stall-N` goes silent, `scenario/badjson` wants a tool used and says no JSON for it. `scenario/tools` does what the
 * question says: a JSON list of steps, each a list of calls `{ "name", "input" }` or a text; of each call it then writes what
 * became of it. Without a number N is 40; null for any other id.
 */
export function findScenario(id: string): Model | null {
  const [, name, count] = namePattern.exec(id) ?? []
  const kind = kinds.find((one) => one === name)
  const tokens = count === undefined ? DEFAULT_TOKENS : Number(count)
  if (kind === undefined || tokens > MAX_TOKENS) return null
  const scenario: Scenario = { tokens, tokenMillis: kind === 'slow' ? SLOW_MILLIS : PACE_MILLIS, kind }
  return {
    id,
    name: `Scenario: ${kind} ${tokens}`,
    providerId: 'scenario',
    contextWindow: null,
    capabilities: ['TOOLS', 'REASONING'],
    maxOutputTokens: null,
    thinksOnTop: false,
    fallbackIds: [],
    isConfigured: true,
    stream: (_ctx, request, signal) => play(scenario, request, signal),
  }
}

/** The text that a scenario of so many tokens writes to a question. */
export function scenarioText(tokens: number, question: string): string {
  return Array.from({ length: tokens }, (_, index) => tokenAt(index, question)).join('')
}

function tokenAt(index: number, question: string): string {
  return WORDS[(index * 7 + question.length) % WORDS.length] ?? ''
}

async function* play(scenario: Scenario, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
  const { kind, tokens } = scenario
  const question =
    request.messages.flatMap((message) => (message.role === 'user' ? [message.content] : [])).at(-1) ?? ''
  if (kind === 'tools' || kind === 'badjson') return yield* useTools(kind, request, question)
  for (let index = 0; kind === 'think' && index < tokens; index++) {
    await pause(scenario.tokenMillis, undefined, { signal })
    yield { type: 'reasoning', text: tokenAt(index, question) }
  }
  for (let index = 0; index < tokens; index++) {
    await pause(scenario.tokenMillis, undefined, { signal })
    yield { type: 'text', text: tokenAt(index, question) }
  }
  if (kind === 'cut') throw new ModelFailed('MODEL_CUT', 'The scenario was cut, as it was asked to be')
  if (kind === 'limited')
    throw new ModelFailed('MODEL_RATE_LIMITED', 'The scenario is limited, as it was asked to be', {
      retryAfterSeconds: 7,
    })
  if (kind === 'error') throw new Error('The scenario failed, as it was asked to')
  if (kind === 'stall') await pause(FOREVER_MILLIS, undefined, { signal })
  const spent = { inputTokens: question.length, cachedInputTokens: 0 }
  const reasoningTokens = kind === 'think' ? tokens : 0
  const usage = { ...spent, outputTokens: tokens + reasoningTokens, reasoningTokens }
  yield { type: 'end', reason: 'stop', usage, replay: null }
}

function* useTools(kind: Kind, { messages }: ModelRequest, question: string): Generator<ModelPart> {
  const last = messages.at(-1)
  if (last?.role === 'tool') {
    for (const { name, output, isError } of last.results)
      yield { type: 'text', text: `${name} ${isError ? 'failed' : 'said'}: ${JSON.stringify(output)}\n` }
  }
  const done = messages.filter(({ role }) => role === 'tool').length
  const calls =
    kind === 'badjson' && done === 0 ? [{ id: 'bad', name: 'createPage', input: undefined }] : callsOf(question, done)
  if (typeof calls === 'string') yield { type: 'text', text: calls }
  else for (const call of calls) yield { type: 'call', call }
  yield {
    type: 'end',
    reason: typeof calls === 'string' || calls.length === 0 ? 'stop' : 'tools',
    usage: null,
    replay: null,
  }
}

/** What the question wants done in a step; a text is written. */
function callsOf(question: string, step: number): readonly ToolCall[] | string {
  const steps = parseJson(question)
  const wanted: unknown = Array.isArray(steps) ? steps[step] : undefined
  if (typeof wanted === 'string') return wanted
  if (!Array.isArray(wanted)) return []
  return wanted.map((call: { name?: unknown; input?: unknown }, index) => {
    return { id: `call-${step}-${index}`, name: String(call?.name), input: call?.input }
  })
}
