import { generateNJitteredKeysBetween } from 'fractional-indexing-jittered'

/**
 * Characters of a rank. The generator reckons with the difference of two ranks as a double: past some 170 characters that
 * is infinite, and it never comes back.
 */
export const MAX_RANK_LENGTH = 100

/**
 * `count` rising ranks between two, or beyond the one that is given; they are compared by code units. Two callers at once
 * get different ones. Null when there is no room for short ones: all are to get new ones then.
 */
export function ranksBetween(low: string | null, high: string | null, count: number): string[] | null {
  if ([low, high].some((rank) => rank !== null && rank.length > MAX_RANK_LENGTH)) return null
  const ranks = generateNJitteredKeysBetween(low, high, count)
  return ranks.every((rank) => rank.length <= MAX_RANK_LENGTH) ? ranks : null
}
