import { randomInt } from 'node:crypto'

/** Random choices that are the same for the same seed. */
export interface Random {
  readonly seed: number
  /** A whole number from 0 on below a bound. */
  below(bound: number): number
  /** Whether something of this probability happens. */
  chance(probability: number): boolean
  /** One of a list. @throws when it is empty */
  pick<Item>(items: readonly Item[]): Item
}

/** Makes a source of random choices (mulberry32); whoever makes one without a seed prints the one it got. */
export function createRandom(seed: number = randomInt(2 ** 31)): Random {
  let state = seed
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(fraction() * bound)
  return {
    seed,
    below,
    chance: (probability) => fraction() < probability,
    pick: (items) => {
      if (items.length === 0) throw new Error('There is nothing to pick from')
      return items[below(items.length)] as (typeof items)[number]
    },
  }
}
