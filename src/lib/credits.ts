import type { TokenUsage } from './token-usage.ts'

/** Of these is one credit, which is one US dollar: amounts are whole numbers of them, and no float holds money. */
export const MILLIONTHS_PER_CREDIT = 1_000_000n

/** The most that anything of credits may come to: a thousand million credits. */
export const MOST_MILLIONTHS = 1_000_000_000n * MILLIONTHS_PER_CREDIT

/** What tokens cost, by kind: millionths of a credit for a million of them. */
export interface Rates {
  readonly input: bigint
  /** Of a prompt that the provider has seen just before. */
  readonly cachedInput: bigint
  readonly output: bigint
  /** Of what is thought, which is output as well. */
  readonly reasoning: bigint
}

/** Rates as JSON can keep them. */
export type RatesText = Readonly<Record<keyof Rates, string>>

/** Rates for JSON. */
export function ratesText({ input, cachedInput, output, reasoning }: Rates): RatesText {
  const text = { input: String(input), cachedInput: String(cachedInput) }
  return { ...text, output: String(output), reasoning: String(reasoning) }
}

/** Rates out of JSON. */
export function ratesOfText({ input, cachedInput, output, reasoning }: RatesText): Rates {
  const rates = { input: BigInt(input), cachedInput: BigInt(cachedInput) }
  return { ...rates, output: BigInt(output), reasoning: BigInt(reasoning) }
}

/** The lesser of two amounts. */
export function lesserOf(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

const TOKENS_PER_RATE = 1_000_000n
const DECIMALS = 6
const AMOUNT = new RegExp(`^(\\d{1,9})(?:\\.(\\d{1,${DECIMALS}}))?$`)

/** An amount of credits written as decimal text, `2.5`, in millionths; null when it is none. */
export function millionthsOf(text: string): bigint | null {
  const [, whole, decimals = ''] = AMOUNT.exec(text) ?? []
  return whole === undefined ? null : BigInt(whole + decimals.padEnd(DECIMALS, '0'))
}

/** The same the other way round: `2.5`. */
export function decimalText(millionths: bigint): string {
  const decimals = (millionths % MILLIONTHS_PER_CREDIT).toString().padStart(DECIMALS, '0').replace(/0+$/, '')
  return `${millionths / MILLIONTHS_PER_CREDIT}${decimals && `.${decimals}`}`
}

/** What tokens cost in millionths of a credit, rounded up once. What a provider counts badly is never less than nothing. */
export function costOf(rates: Rates, usage: TokenUsage): bigint {
  const [input, cached] = parts(usage.inputTokens, usage.cachedInputTokens)
  const [output, thought] = parts(usage.outputTokens, usage.reasoningTokens)
  const cost = input * rates.input + cached * rates.cachedInput + output * rates.output + thought * rates.reasoning
  return (cost + TOKENS_PER_RATE - 1n) / TOKENS_PER_RATE
}

/** The most that so much prompt and answer can cost, of whatever kind it turns out to be. */
export function worstCostOf(rates: Rates, promptTokens: number, outputTokens: number): bigint {
  const cost = BigInt(promptTokens) * dearerOf(rates.input, rates.cachedInput) + BigInt(outputTokens) * writing(rates)
  return (cost + TOKENS_PER_RATE - 1n) / TOKENS_PER_RATE
}

/** How many tokens can be written for what is left after a prompt; none below 0. */
export function affordableTokens(rates: Rates, promptTokens: number, millionths: bigint): number {
  const left = millionths * TOKENS_PER_RATE - BigInt(promptTokens) * dearerOf(rates.input, rates.cachedInput)
  return left <= 0n ? 0 : Number(left / writing(rates))
}

/** Of several rates the dearest of each kind. */
export function dearestOf(all: readonly Rates[]): Rates {
  const dearest = (kind: keyof Rates) => all.reduce((most, rates) => dearerOf(most, rates[kind]), 0n)
  return {
    input: dearest('input'),
    cachedInput: dearest('cachedInput'),
    output: dearest('output'),
    reasoning: dearest('reasoning'),
  }
}

/** The calendar month of a moment, in UTC: `2026-11`. Those of later months compare as greater. */
export function monthOf(at: Date): string {
  return at.toISOString().slice(0, 7)
}

/** When the month after that of a moment begins. */
export function nextMonth(at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1))
}

function parts(all: number | null, some: number | null): [rest: bigint, some: bigint] {
  const whole = tokens(all)
  const part = tokens(some)
  return part > whole ? [0n, whole] : [whole - part, part]
}

function tokens(count: number | null): bigint {
  return Number.isSafeInteger(count) && count !== null && count > 0 ? BigInt(count) : 0n
}

function writing({ output, reasoning }: Rates): bigint {
  return dearerOf(output, reasoning)
}

function dearerOf(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}
