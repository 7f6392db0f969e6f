/** What one step of an answer was charged for, or several together; a kind is null where nobody counted. */
export interface TokenUsage {
  /** Of the prompt, cached ones among them. */
  readonly inputTokens: number | null
  readonly cachedInputTokens: number | null
  /** Of the answer, those of thinking among them. */
  readonly outputTokens: number | null
  readonly reasoningTokens: number | null
  /** Counted here, at least in part, because the provider did not say. */
  readonly isEstimated?: boolean
}

/** More than any model takes, and the most that an Int of the graph holds. */
const MOST_TOKENS = 2 ** 31 - 1

/** What a provider says it counted: what is no count is as if it had said nothing of it. */
export function cleanUsage(said: TokenUsage): TokenUsage {
  const clean = (count: number | null) => {
    return count === null || !Number.isInteger(count) || count < 0 ? null : Math.min(count, MOST_TOKENS)
  }
  return {
    inputTokens: clean(said.inputTokens),
    cachedInputTokens: clean(said.cachedInputTokens),
    outputTokens: clean(said.outputTokens),
    reasoningTokens: clean(said.reasoningTokens),
  }
}

/** Both together. */
export function sumOfUsage(one: TokenUsage | null, other: TokenUsage | null): TokenUsage | null {
  if (one === null || other === null) return one ?? other
  const sum = (a: number | null, b: number | null) =>
    a === null && b === null ? null : Math.min((a ?? 0) + (b ?? 0), MOST_TOKENS)
  return {
    inputTokens: sum(one.inputTokens, other.inputTokens),
    cachedInputTokens: sum(one.cachedInputTokens, other.cachedInputTokens),
    outputTokens: sum(one.outputTokens, other.outputTokens),
    reasoningTokens: sum(one.reasoningTokens, other.reasoningTokens),
    ...((one.isEstimated === true || other.isEstimated === true) && { isEstimated: true }),
  }
}
