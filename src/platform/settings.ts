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
    readonly algorithm: SigningAlgorithm
  }
  readonly signingKeys: {
    /** How old the newest key may get before another is made. */
    readonly rotationSeconds: number
    /** How long a new key is published before it signs, so that whoever checks tokens has fetched it by then. */
    readonly aheadSeconds: number
    /** How long a key is published after its successor signs; longer than any token of its lives. */
    readonly overlapSeconds: number
  }
  /** Whether an address has to be proven before there is an account. */
  readonly emailVerification: 'required' | 'optional'
  readonly passwordRules: PasswordRules
  readonly deviceSessions: {
    /** Of one person at once; one more ends the oldest. */
    readonly maxPerUser: number
  }
  readonly mailLinks: {
    /** How long the link that proves an address, or makes a pending account, works. */
    readonly verifySeconds: number
    readonly resetSeconds: number
    /** Mails of one purpose to one account in an hour; further ones are not sent, and nobody is told. */
    readonly perAccountAndHour: number
  }
  readonly invitations: {
    /** How long the link of an invitation works. */
    readonly ttlSeconds: number
    /** By one person; an organization's together five times as many. */
    readonly perPersonAndHour: number
  }
  readonly guessing: Guessing
  readonly cache: {
    /** Entries in the memory of a node. */
    readonly memoryEntries: number
    /** Of their texts together, in UTF-16 units. */
    readonly memoryLength: number
    readonly memorySeconds: number
    readonly sharedSeconds: number
  }
  readonly cookies: {
    /** Over https alone; false where PUBLIC_URL is http, or browsers would drop them. */
    readonly isSecure: boolean
    readonly sameSite: 'lax' | 'strict' | 'none'
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
    /** Of one person on one node at once: what waits for them, waits long. */
    readonly maxPerPerson: number
  }
  /** How long and how often a provider of models is asked. */
  readonly models: {
    /** The longest silence before the first sign of life. */
    readonly firstPartMillis: number
    /** The same for a model that thinks, and from there to the first of the answer; below `generations.idleMillis`. */
    readonly thoughtMillis: number
    /** Attempts after the first, while nothing of an answer has come. */
    readonly retries: number
    /** The longest pause before the second attempt; it doubles. */
    readonly baseMillis: number
    readonly maxMillis: number
    /** A provider that asks for a longer pause is not waited for. */
    readonly maxRetryAfterSeconds: number
    /** Times that one person may have texts embedded in a minute. */
    readonly embeddingsPerMinute: number
    /** Times that one person may have tokens counted in a minute. */
    readonly countsPerMinute: number
  }
  readonly credits: {
    /** What an organization gets anew each calendar month, by what it has paid for; in millionths of a credit. */
    readonly monthly: Readonly<Record<'FREE' | 'PRO' | 'ENTERPRISE', bigint>>
    /** How long what is held for an answer stays so after its writer was last heard of. */
    readonly holdSeconds: number
    /** Tokens of one step of an answer that costs something, where nobody says how many. */
    readonly answerTokens: number
    /** The same where it is to think first, which is among them with most models. */
    readonly thinkingAnswerTokens: number
    /** Steps of an answer with tools for which the most they may write is held: what one leaves of it is for the next. */
    readonly stepsHeld: number
    /** What the prompt of such an answer is taken to grow by with each step. */
    readonly growthTokens: number
    /** Times that one person may have an answer estimated in a minute. */
    readonly estimatesPerMinute: number
  }
  readonly channels: { readonly retentionSeconds: number; readonly keepPerChannel: number }
}

/** How access tokens are signed. */
export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** `classes`: upper and lower case, a digit and a special character; `length`: length and the list of common ones alone. */
export type PasswordRules = 'classes' | 'length'

/** How often something secret may be guessed at. An address is one of IPv4, or 64 bits of IPv6. */
export interface Guessing {
  /** Of one address. */
  readonly loginsPerMinute: number
  /** Of one name from one address in 15 minutes. */
  readonly loginsPerName: number
  readonly registrationsPerHour: number
  readonly resetsPerHour: number
  /** For one account. */
  readonly verificationsPerHour: number
  /** In a row, after which a name is locked. */
  readonly failuresToLock: number
  /** The first lock; each further failure doubles it. */
  readonly lockSeconds: number
  readonly maxLockSeconds: number
  /** After which a failure is forgotten. */
  readonly forgetSeconds: number
}

/** The figures of the design; configuration may override each. */
export const defaultSettings = {
  accessTokens: { ttlSeconds: 15 * 60, graceSeconds: 25, algorithm: 'RS256' },
  refreshTokens: { ttlSeconds: 7 * 86_400, maxSeconds: 30 * 86_400, overlapSeconds: 86_400 },
  signingKeys: { rotationSeconds: 30 * 86_400, aheadSeconds: 10 * 60, overlapSeconds: 86_400 },
  emailVerification: 'optional',
  passwordRules: 'classes',
  deviceSessions: { maxPerUser: 10 },
  mailLinks: { verifySeconds: 86_400, resetSeconds: 1_800, perAccountAndHour: 3 },
  invitations: { ttlSeconds: 7 * 86_400, perPersonAndHour: 30 },
  guessing: {
    loginsPerMinute: 10,
    loginsPerName: 10,
    registrationsPerHour: 5,
    resetsPerHour: 3,
    verificationsPerHour: 3,
    failuresToLock: 5,
    lockSeconds: 60,
    maxLockSeconds: 3_600,
    forgetSeconds: 86_400,
  },
  cache: { memoryEntries: 20_000, memoryLength: 50_000_000, memorySeconds: 60, sharedSeconds: 300 },
  idempotency: { ttlSeconds: 86_400 },
  generations: {
    leaseMillis: 15_000,
    checkpointMillis: 750,
    coalesceMillis: 40,
    // Longer than a provider is waited for before it is asked again: see `models`.
    idleMillis: 75_000,
    maxMillis: 10 * 60_000,
    maxLength: 200_000,
    maxPerNode: 500,
    maxPerPerson: 250,
  },
  models: {
    firstPartMillis: 20_000,
    thoughtMillis: 45_000,
    retries: 3,
    baseMillis: 500,
    maxMillis: 8_000,
    maxRetryAfterSeconds: 20,
    embeddingsPerMinute: 60,
    countsPerMinute: 120,
  },
  credits: {
    monthly: { FREE: 5_000_000n, PRO: 100_000_000n, ENTERPRISE: 1_000_000_000n },
    holdSeconds: 300,
    answerTokens: 8_192,
    thinkingAnswerTokens: 32_768,
    stepsHeld: 3,
    growthTokens: 1_000,
    estimatesPerMinute: 120,
  },
  channels: { retentionSeconds: 7 * 86_400, keepPerChannel: 10_000 },
} as const
