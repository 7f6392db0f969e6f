import { affordableTokens, dearestOf, type Rates, worstCostOf } from '../../../lib/credits.ts'
import type { KnownPrice, Price } from '../../../lib/price-list.ts'
import type { Context } from '../../../platform/context.ts'
import { UserError } from '../../../platform/errors.ts'
import { type Model, type ModelMessage, modelRequest, type ToolDescription } from '../../../platform/models.ts'
import { countRequestTokens } from '../../providers/models/token-count.service.ts'
import type { AnswerSettings } from './answer.service.ts'

/** Nobody here knows what a model costs, or what stands in for it. */
export class ModelNotPriced extends UserError {
  readonly code = 'MODEL_NOT_PRICED'
  constructor() {
    super('Nobody has told this server what that model costs. Choose another one.')
  }
}

/** The most that an answer may cost, and by which prices: what is shown before it, held for it, and never gone beyond. */
export interface Budget {
  readonly version: string
  /** Of the model that is asked and of those that may stand in for it, by id. */
  readonly rates: ReadonlyMap<string, Rates>
  /** Millionths of a credit. */
  readonly most: bigint
  /** Of the first step. */
  readonly promptTokens: number
  /** What one step may write at most. */
  readonly maxOutputTokens: number
  /** What it may think beside that. */
  readonly thoughtTokens: number
}

/** An answer that is planned. */
export interface Planned {
  readonly model: Model
  readonly settings: AnswerSettings
  readonly tools: readonly ToolDescription[]
  /** What its first step is asked. */
  readonly messages: readonly ModelMessage[]
}

/** No step is begun that could say less than this, unless less was asked for. */
const LEAST_STEP_TOKENS = 256

/** Reckons the most that an answer may cost; null where it costs nothing. @throws {ModelNotPriced} */
export async function planBudget(ctx: Context, planned: Planned): Promise<Budget | null> {
  const models = chainOf(ctx, planned.model)
  const prices = pricesOf(ctx, models)
  if (prices === null) return null
  return budgetOf(ctx, { ...planned, models, prices, promptTokens: await promptTokensOf(planned) })
}

/** How many tokens the first step of an answer is asked, rather too many. */
export function promptTokensOf({ model, messages, tools }: Planned): Promise<number> {
  return countRequestTokens(model, modelRequest({ messages, tools }))
}

/** What a further step may write for what is left of a budget; null when that is not worth beginning. */
export function outputTokensFor(budget: Budget, spent: bigint, promptTokens: number): number | null {
  const rates = dearestOf([...budget.rates.values()])
  const left = affordableTokens(rates, promptTokens, budget.most - spent) - budget.thoughtTokens
  const least = Math.min(LEAST_STEP_TOKENS, budget.maxOutputTokens)
  return left < least ? null : Math.min(left, budget.maxOutputTokens)
}

function chainOf({ platform }: Context, model: Model): readonly Model[] {
  return [model, ...model.fallbackIds.flatMap((id) => platform.models.find(id) ?? [])]
}

/** By the ids of models; null where all of them are free. */
function pricesOf({ platform }: Context, models: readonly Model[]): ReadonlyMap<string, Price | 'free'> | null {
  const prices = new Map<string, Price | 'free'>()
  for (const { id } of models) prices.set(id, known(platform.prices.find(id)))
  return [...prices.values()].every((price) => price === 'free') ? null : prices
}

function known(price: KnownPrice): Price | 'free' {
  if (price === null) throw new ModelNotPriced()
  return price
}

const FREE: Rates = { input: 0n, cachedInput: 0n, output: 0n, reasoning: 0n }

interface Reckoned extends Planned {
  readonly models: readonly Model[]
  readonly prices: ReadonlyMap<string, Price | 'free'>
  readonly promptTokens: number
}

function budgetOf({ platform }: Context, { model, settings, tools, models, prices, promptTokens }: Reckoned): Budget {
  const { answerTokens, stepsHeld } = platform.settings.credits
  const rates = new Map([...prices].map(([id, price]) => [id, price === 'free' ? FREE : price.rates]))
  const versions = [...prices.values()].flatMap((price) => (price === 'free' ? [] : [price.version]))
  const asked = settings.maxOutputTokens ?? answerTokens
  const maxOutputTokens = Math.min(asked, model.maxOutputTokens ?? asked)
  const thinks = settings.reasoning !== 'NONE'
  const mostOf = ({ thinksOnTop, maxOutputTokens: own }: Model) =>
    thinks && thinksOnTop ? Math.max(own ?? 0, maxOutputTokens) : maxOutputTokens
  const written = Math.max(...models.map(mostOf))
  const step = worstCostOf(dearestOf([...rates.values()]), promptTokens, written)
  // What a step does not write is for the next one: held is for a few, and many can be had of that.
  const steps = tools.length === 0 ? 1 : Math.min(settings.maxIterations, stepsHeld)
  return {
    version: [...new Set(versions)].join(','),
    rates,
    most: step * BigInt(steps),
    promptTokens,
    maxOutputTokens,
    thoughtTokens: written - maxOutputTokens,
  }
}
