import { contentOf } from '../../../lib/answer-tape.ts'
import { costOf, dearestOf } from '../../../lib/credits.ts'
import { cleanUsage, sumOfUsage, type TokenUsage } from '../../../lib/token-usage.ts'
import { countTokensOf, withoutMargin } from '../../providers/models/token-count.service.ts'
import type { Spent } from '../../usage/charges/settlement.service.ts'
import { type Budget, outputTokensFor } from './budget.service.ts'

/** A step that is under way: what it is asked, by whom it is answered, and where on the tape that begins. */
export interface RunningStep {
  readonly modelId: string
  readonly promptTokens: number
  readonly at: number
}

/** How far an answer that costs something has come: kept with its text, so that whoever ends it knows what to charge. */
export interface Reading {
  /** What the steps that have ended cost: millionths of a credit, as text. */
  readonly cost: string
  readonly running: RunningStep | null
}

/** Counts what the steps of one answer take of its budget. */
export interface Meter {
  /** Of all steps that have ended. */
  readonly usage: TokenUsage | null
  /** Null where the answer costs nothing. */
  readonly reading: Reading | null
  /** What a step may write for what is left; null when that is not worth beginning. */
  affordable(budget: Budget, promptTokens: number): number | null
  /** A step begins, by this model; again when another one takes its place. */
  begin(step: RunningStep): void
  /** The step that was begun has ended. */
  end(usage: TokenUsage | null): void
}

/** Of an answer that is to begin: whoever ends it before its writer has said more charges it as its first step. */
export function firstReading({ promptTokens }: Budget, modelId: string): Reading {
  return { cost: '0', running: { modelId, promptTokens, at: 0 } }
}

/** Starts counting; without a budget only tokens. */
export function createMeter(budget: Budget | null): Meter {
  let cost = 0n
  let usage: TokenUsage | null = null
  let running: RunningStep | null = null
  return {
    get usage() {
      return usage
    },
    get reading() {
      return budget === null ? null : { cost: String(cost), running }
    },
    affordable: (of, promptTokens) => outputTokensFor(of, cost, promptTokens),
    begin: (step) => {
      running = step
    },
    end: (spent) => {
      usage = sumOfUsage(usage, spent)
      if (budget !== null && spent !== null) cost += costOf(ratesOf(budget, running?.modelId), spent)
      running = null
    },
  }
}

/** What an answer came to, by its reading and as much of its tape as there is. */
export async function spentBy(tape: string, reading: Reading | null, kept: TokenUsage | null): Promise<Spent> {
  // An earlier version of this server may have kept what is no count.
  const usage = kept === null ? null : { ...cleanUsage(kept), isEstimated: kept.isEstimated === true }
  if (reading === null) return { cost: null, unfinished: null, usage }
  const { running } = reading
  const written = running === null ? '' : contentOf(tape.slice(running.at))
  // Of a model that has said nothing nobody had anything.
  if (running === null || written === '') return { cost: BigInt(reading.cost), unfinished: null, usage }
  const unfinished = { modelId: running.modelId, usage: await estimatedUsage(running, written) }
  return { cost: BigInt(reading.cost), unfinished, usage: sumOfUsage(usage, unfinished.usage) }
}

/** What a step took of which nobody said it, counted here: not rather too many, as where it is held for. */
export async function estimatedUsage(
  { modelId, promptTokens }: Pick<RunningStep, 'modelId' | 'promptTokens'>,
  written: string,
): Promise<TokenUsage> {
  const input = { inputTokens: withoutMargin(modelId, promptTokens), cachedInputTokens: 0 }
  const outputTokens = withoutMargin(modelId, await countTokensOf(modelId, written))
  return { ...input, outputTokens, reasoningTokens: 0, isEstimated: true }
}

function ratesOf({ rates }: Budget, modelId: string | undefined) {
  return rates.get(modelId ?? '') ?? dearestOf([...rates.values()])
}
