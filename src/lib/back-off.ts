/** How long to wait between attempts, in milliseconds. */
export interface BackOff {
  /** At most so long before the second attempt; twice as long before each further one. */
  readonly baseMillis: number
  readonly maxMillis: number
}

/**
 * How long to wait before the attempt after `failures` of them: a random part of a time that doubles, so that callers who
 * failed together do not come back together ("full jitter" of the AWS Architecture Blog). `random` is of 0 to 1.
 */
export function backOffMillis(failures: number, { baseMillis, maxMillis }: BackOff, random: () => number): number {
  return random() * Math.min(maxMillis, baseMillis * 2 ** (failures - 1))
}
