/** What an actor has tried, and what came of it. */
export interface Attempts {
  readonly rootFields: Set<string>
  /** The places for ids in which one of the victim's stood. */
  readonly places: Set<string>
  readonly doors: Set<string>
  requests: number
  /** Requests with an id of the victim's. */
  substitutions: number
  /** Requests with what is no id. */
  garbage: number
  /** Words of the victim that were looked for and found. */
  canaries: number
}

/** Counts what the actors try. */
export type Tally = ReturnType<typeof createTally>

/** Makes a tally that starts now. */
export function createTally() {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  const attempts = new Map<string, Attempts>()
  const of = (name: string): Attempts => {
    const known = attempts.get(name)
    if (known !== undefined) return known
    const fresh = {
      rootFields: new Set<string>(),
      places: new Set<string>(),
      doors: new Set<string>(),
      ...{ requests: 0, substitutions: 0, garbage: 0, canaries: 0 },
    }
    attempts.set(name, fresh)
    return fresh
  }
  return {
    of,
    /** A line for each actor, and one for all with the time since the start: by the clock, and on a processor. */
    print: () => {
      const lines = [...attempts].map(([name, one]) => lineOf(name, one))
      const total = totalOf([...attempts.values()])
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
      const { user, system } = process.cpuUsage(before)
      const time = `in ${seconds} s (${((user + system) / 1_000_000).toFixed(1)} s of a processor)`
      return [...lines, `${lineOf(`${attempts.size} actors`, total)}, ${time}`]
    },
    total: () => totalOf([...attempts.values()]),
  }
}

function totalOf(all: readonly Attempts[]): Attempts {
  const sum = (count: (one: Attempts) => number) => all.reduce((total, one) => total + count(one), 0)
  const union = (set: (one: Attempts) => Set<string>) => new Set(all.flatMap((one) => [...set(one)]))
  return {
    rootFields: union((one) => one.rootFields),
    places: union((one) => one.places),
    doors: union((one) => one.doors),
    requests: sum((one) => one.requests),
    substitutions: sum((one) => one.substitutions),
    garbage: sum((one) => one.garbage),
    canaries: sum((one) => one.canaries),
  }
}

function lineOf(name: string, one: Attempts): string {
  const parts = [
    `${one.rootFields.size} root fields`,
    `${one.places.size} places for ids`,
    `${one.doors.size} doors`,
    `${one.requests} requests`,
    `${one.substitutions} with foreign ids`,
    `${one.garbage} with garbage`,
    `${one.canaries} canary hits`,
  ]
  return `strangers: ${name}: ${parts.join(', ')}`
}
