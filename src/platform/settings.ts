/** What the product may read of the configuration; secrets and addresses of services are not among it. */
export interface Settings {
  /** The address people reach this server at; every link in a mail starts with it. No trailing slash. */
  readonly publicUrl: string
  readonly accessTokens: {
    readonly issuer: string
    readonly audience: readonly string[]
    readonly ttlSeconds: number
    /** How long after its access token's end a socket or stream still waits for a refresh of its session. */
    readonly graceSeconds: number
  }
  readonly refreshTokens: {
    /** Idle life of a device session: each refresh extends it by this. */
    readonly ttlSeconds: number
    /** Absolute life of a device session, however often it is refreshed. */
    readonly maxSeconds: number
    /** How long the previous counter still answers with its successor while that is unused. */
    readonly overlapSeconds: number
  }
  readonly idempotency: { readonly ttlSeconds: number }
  readonly generations: {
    /** How long a node that does not report is taken to be alive; it reports three times as often. */
    readonly leaseMillis: number
    /** How often the text is written to the database: with the time of the writing a killed node loses a second at most. */
    readonly checkpointMillis: number
    /** The longest that a token waits for others to go with it. */
    readonly coalesceMillis: number
    /** The longest silence of a model. */
    readonly idleMillis: number
    readonly maxMillis: number
    /** UTF-16 units of one answer. */
    readonly maxLength: number
    /** On one node at once. */
    readonly maxPerNode: number
  }
  readonly channels: { readonly retentionSeconds: number; readonly keepPerChannel: number }
}

/** The figures of the design; configuration may override each. */
export const defaultSettings = {
  accessTokens: { ttlSeconds: 15 * 60, graceSeconds: 25 },
  refreshTokens: { ttlSeconds: 7 * 86_400, maxSeconds: 30 * 86_400, overlapSeconds: 86_400 },
  idempotency: { ttlSeconds: 86_400 },
  generations: {
    leaseMillis: 15_000,
    checkpointMillis: 750,
    coalesceMillis: 40,
    idleMillis: 60_000,
    maxMillis: 10 * 60_000,
    maxLength: 200_000,
    maxPerNode: 500,
  },
  channels: { retentionSeconds: 7 * 86_400, keepPerChannel: 10_000 },
} as const
