/** Where time comes from. Everything that expires asks this port, so that a test can move time instead of waiting. */
export interface Clock {
  now(): Date
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() }
