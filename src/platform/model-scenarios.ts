import { setTimeout as pause } from 'node:timers/promises'
import type { Model, ModelPart, ModelRequest } from './models.ts'

/** What a scripted model does after so many tokens, and how long it takes for each. */
interface Scenario {
  readonly tokens: number
  readonly tokenMillis: number
  readonly end: 'complete' | 'cut' | 'error' | 'stall'
}

const MAX_TOKENS = 100_000
const DEFAULT_TOKENS = 40
const PACE_MILLIS = 5
const SLOW_MILLIS = 200

// Scripts of every width, characters of two UTF-16 units among them: what is cut in the wrong place shows.
const WORDS = ['ocean ', 'graph ', 'é', '海', '洋 ', '🌊', 'קצף ', '👩‍🚀 ', 'naïve ', '\n', 'x'] as const

/**
 * Models that follow a script, for tests and for front ends to try themselves on: `scenario/words-N` writes N tokens,
 * `scenario/slow-N` the same at 5 a second, `scenario/cut-N` loses its connection after N, `scenario/error-N` fails with a
 * message, `scenario/stall-N` goes silent. Without a number N is 40; null for any other id.
 */
export function findScenario(id: string): Model | null {
  const [, kind, count] = /^scenario\/(words|slow|cut|error|stall)(?:-(\d{1,6}))?$/.exec(id) ?? []
  const tokens = count === undefined ? DEFAULT_TOKENS : Number(count)
  if (kind === undefined || tokens > MAX_TOKENS) return null
  const end = kind === 'words' || kind === 'slow' ? 'complete' : (kind as 'cut' | 'error' | 'stall')
  const scenario: Scenario = { tokens, tokenMillis: kind === 'slow' ? SLOW_MILLIS : PACE_MILLIS, end }
  return {
    id,
    name: `Scenario: ${kind} ${tokens}`,
    providerId: 'scenario',
    contextWindow: null,
    capabilities: [],
    pricing: null,
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

async function* play(scenario: Scenario, { messages }: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
  const question = messages.flatMap((message) => (message.role === 'user' ? [message.content] : [])).at(-1) ?? ''
  for (let index = 0; index < scenario.tokens; index++) {
    await pause(scenario.tokenMillis, undefined, { signal })
    yield { type: 'text', text: tokenAt(index, question) }
  }
  if (scenario.end === 'cut') throw new TypeError('terminated')
  if (scenario.end === 'error') throw new Error('The scenario failed, as it was asked to')
  if (scenario.end === 'stall') await pause(2 ** 31 - 1, undefined, { signal })
}
