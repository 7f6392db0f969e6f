/** What the product may read of the configuration; secrets and addresses of services are not among it. */
export interface Settings {
  /** The address people reach this server at; every link in a mail starts with it. No trailing slash. */
  readonly publicUrl: string
  readonly accessTokens: { readonly issuer: string; readonly audience: readonly string[]; readonly ttlSeconds: number }
  readonly refreshTokens: {
    /** Idle life of a device session: each refresh extends it by this. */
    readonly ttlSeconds: number
    /** Absolute life of a device session, however often it is refreshed. */
    readonly maxSeconds: number
    /** How long the previous counter still answers with its successor while that is unused. */
    readonly overlapSeconds: number
  }
  readonly idempotency: { readonly ttlSeconds: number }
  readonly channels: { readonly retentionSeconds: number; readonly keepPerChannel: number }
}

/** The figures of the design, all in seconds; configuration may override each. */
export const defaultSettings = {
  accessTokens: { ttlSeconds: 15 * 60 },
  refreshTokens: { ttlSeconds: 7 * 86_400, maxSeconds: 30 * 86_400, overlapSeconds: 86_400 },
  idempotency: { ttlSeconds: 86_400 },
  channels: { retentionSeconds: 7 * 86_400, keepPerChannel: 10_000 },
} as const
