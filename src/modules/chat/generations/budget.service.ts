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

/** An answer may cost more than whoever asks wants it to; amounts in millionths of a credit. */
export class CostLimitExceeded extends UserError {
  readonly code = 'COST_LIMIT_EXCEEDED'
  readonly required: bigint
  readonly limit: bigint
  constructor(required: bigint, limit: bigint) {
    super('This can cost more than you have said it may. Ask for a shorter answer, or allow more.')
    this.required = required
    this.limit = limit
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

/**
 * Reckons the most that an answer may cost; null where it costs nothing.
 * @throws {ModelNotPriced | CostLimitExceeded}
 */
export async function planBudget(ctx: Context, planned: Planned): Promise<Budget | null> {
  const models = chainOf(ctx, planned.model)
  const prices = pricesOf(ctx, models)
  if (prices === null) return null
  const budget = budgetOf(ctx, { ...planned, models, prices, promptTokens: await promptTokensOf(planned) })
  const { maxCost } = planned.settings
  if (maxCost !== null && budget.most > maxCost) throw new CostLimitExceeded(budget.most, maxCost)
  return budget
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

/** Of a model whose own limit nobody here knows. */
const MOST_THOUGHT_TOKENS = 65_536

function budgetOf({ platform }: Context, { model, settings, tools, models, prices, promptTokens }: Reckoned): Budget {
  const figures = platform.settings.credits
  const rates = new Map([...prices].map(([id, price]) => [id, price === 'free' ? FREE : price.rates]))
  const thinks = settings.reasoning !== 'NONE'
  const asked = settings.maxOutputTokens ?? (thinks ? figures.thinkingAnswerTokens : figures.answerTokens)
  const room = model.contextWindow === null ? asked : Math.max(1, model.contextWindow - promptTokens)
  const maxOutputTokens = Math.min(asked, room, model.maxOutputTokens ?? asked)
  const mostOf = ({ thinksOnTop, maxOutputTokens: own }: Model) =>
    thinks && thinksOnTop ? Math.max(own ?? maxOutputTokens + MOST_THOUGHT_TOKENS, maxOutputTokens) : maxOutputTokens
  const written = Math.max(...models.map(mostOf))
  const most = mostOfSteps(dearestOf([...rates.values()]), {
    steps: tools.length === 0 ? 1 : settings.maxIterations,
    stepsWritten: figures.stepsHeld,
    growthTokens: figures.growthTokens,
    promptTokens,
    written,
  })
  return {
    version: versionOf(model, prices),
    rates,
    most,
    promptTokens,
    maxOutputTokens,
    thoughtTokens: written - maxOutputTokens,
  }
}

interface Steps {
  readonly steps: number
  /** So many of them may write all they may: what a step leaves of that is for the next one. */
  readonly stepsWritten: number
  /** What the prompt grows by with each, on the whole: by what tools returned, and by what was written. */
  readonly growthTokens: number
  readonly promptTokens: number
  readonly written: number
}

function mostOfSteps(rates: Rates, { steps, stepsWritten, growthTokens, promptTokens, written }: Steps): bigint {
  const grown = (growthTokens * steps * (steps - 1)) / 2
  return worstCostOf(rates, promptTokens * steps + grown, written * Math.min(steps, stepsWritten))
}

/** That of the model that is asked; where it is free, of the first that may stand in and is not. */
function versionOf({ id }: Model, prices: ReadonlyMap<string, Price | 'free'>): string {
  const own = prices.get(id)
  const [version = ''] = [own, ...prices.values()].flatMap((price) =>
    typeof price === 'object' ? [price.version] : [],
  )
  return version
}
