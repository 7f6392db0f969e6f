import { existsSync } from 'node:fs'
import { z } from 'zod'
import { modelFaults, modelsConfigOf, modelVariables } from './config-models.ts'
import {
  commaSeparated,
  isHttps,
  isNetwork,
  isOrigin,
  isPlain,
  isSender,
  isSmtpUrl,
  secret,
  secretAdvice,
  urlOf,
  wholeNumber,
} from './config-rules.ts'
import { MILLIONTHS_PER_CREDIT } from './lib/credits.ts'
import type { LogLevel } from './platform/log.ts'
import type { ModelsConfig } from './platform/providers.ts'
import { defaultSettings, type Settings } from './platform/settings.ts'

/** The whole configuration, parsed and frozen. */
export interface Config {
  readonly production: boolean
  readonly port: number
  readonly host: string
  readonly dataDir: string
  /** Null: the embedded database under `dataDir`, and channels within this process. */
  readonly services: { readonly databaseUrl: string; readonly redisUrl: string } | null
  /** Null in a field: generated into `dataDir`; only ever null when embedded. */
  readonly secrets: { readonly [Name in SecretName]: Uint8Array | null }
  /** Null: mails are written as files under `dataDir`. */
  readonly smtpUrl: string | null
  readonly mailFrom: string
  readonly logLevel: LogLevel
  /** What `/metrics` demands; null: there is no such place. */
  readonly metricsToken: string | null
  /** Origins browsers may call from; null when embedded: any page of this machine. */
  readonly corsOrigins: readonly string[] | null
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  readonly demo: boolean
  /** Whether `scenario/…` models answer. */
  readonly scenarioModels: boolean
  readonly models: ModelsConfig
  /** What makes vectors of texts, by which a search finds what means the same: the id of a model; `off`: nothing does. */
  readonly embeddings: string
  /** On port 0 without a PUBLIC_URL, its `publicUrl` is of port 0 and the app's own is of the port it got. */
  readonly settings: Settings
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const satisfies LogLevel[]

/** Secrets by the name of their variable. */
export const secretNames = ['SIGNING_KEY_SECRET', 'REFRESH_TOKEN_SECRET'] as const
export type SecretName = (typeof secretNames)[number]

/** The environment cannot be run with; `faults` says everything that is wrong with it. */
export class ConfigInvalid extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`The environment has ${faults.length} fault(s)`)
    this.faults = faults
  }
}

const MOST_MONTHLY_CREDITS = 1_000_000

const environmentSchema = z.object({
  NODE_ENV: z.enum(['production', 'development', 'test'], 'is not production, development or test').optional(),
  PORT: z
    .string()
    .regex(/^\d+$/, 'is not a number')
    .transform(Number)
    .refine((port) => port <= 65_535, 'is above 65535')
    .default(4000),
  HOST: z.string().min(1).optional(),
  DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: urlOf(/^postgres(ql)?:$/, 'postgres://').optional(),
  REDIS_URL: urlOf(/^rediss?:$/, 'redis://').optional(),
  PUBLIC_URL: urlOf(/^https?:$/, 'http:// or https://')
    .refine(isPlain, 'has credentials, a query or a hash, and may only have a host and a path')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  SIGNING_KEY_SECRET: secret.optional(),
  REFRESH_TOKEN_SECRET: secret.optional(),
  SMTP_URL: z
    .string()
    .refine(isSmtpUrl, 'is not smtp://user:password@host:port or smtps://…, with requireTLS=true|false and name= alone')
    .optional(),
  MAIL_FROM: z
    .string()
    .refine(isSender, 'is not one address such as Ocean <ocean@example.org>')
    .default('Ocean Graph <ocean-graph@localhost>'),
  EMAIL_VERIFICATION: z.enum(['required', 'optional'], 'is not required or optional').optional(),
  PASSWORD_RULES: z.enum(['classes', 'length'], 'is not classes or length').optional(),
  MAX_DEVICE_SESSIONS: wholeNumber(1, 1_000),
  ACCESS_TOKEN_ALGORITHM: z.enum(['RS256', 'ES256', 'EdDSA'], 'is not RS256, ES256 or EdDSA').optional(),
  SIGNING_KEY_ROTATION_DAYS: wholeNumber(1, 3_650),
  COOKIE_SAME_SITE: z.enum(['lax', 'strict', 'none'], 'is not lax, strict or none').default('lax'),
  TRUSTED_PROXIES: commaSeparated
    .refine(
      (list) => list.every(isNetwork),
      'is not a list of addresses or networks such as 10.0.0.0/8, with commas between',
    )
    .default([]),
  LOGIN_ATTEMPTS: wholeNumber(1, 1_000_000),
  REGISTRATIONS_PER_HOUR: wholeNumber(1, 1_000_000),
  RESETS_PER_HOUR: wholeNumber(1, 1_000_000),
  VERIFICATIONS_PER_HOUR: wholeNumber(1, 1_000_000),
  INVITATIONS_PER_HOUR: wholeNumber(1, 1_000_000),
  GENERATION_LEASE_SECONDS: wholeNumber(1, 3_600),
  MONTHLY_CREDITS_FREE: wholeNumber(0, MOST_MONTHLY_CREDITS),
  MONTHLY_CREDITS_PRO: wholeNumber(0, MOST_MONTHLY_CREDITS),
  MONTHLY_CREDITS_ENTERPRISE: wholeNumber(0, MOST_MONTHLY_CREDITS),
  SCENARIO_MODELS: z.enum(['on', 'off'], 'is not on or off').optional(),
  ...modelVariables,
  METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,512}$/, 'is not 16 to 512 characters without spaces')
    .optional(),
  LOG_LEVEL: z.enum(logLevels, `is none of ${logLevels.join(', ')}`).default('info'),
  CORS_ORIGINS: commaSeparated
    .refine(
      (origins) => origins.every(isOrigin),
      'is not a list of origins such as https://example.org, with commas between',
    )
    .optional(),
})

/** What has to be set together; asked of the plain environment, so that it is told along with what is malformed. */
function missingFaults(present: Readonly<Record<string, unknown>>): string[] {
  const isSet = (name: string) => present[name] !== undefined
  if (!isSet('DATABASE_URL') && !isSet('REDIS_URL')) return []
  const [has, lacks] = isSet('DATABASE_URL') ? ['DATABASE_URL', 'REDIS_URL'] : ['REDIS_URL', 'DATABASE_URL']
  return [
    ...(isSet(lacks) ? [] : [`${lacks} is missing, while ${has} is set: set both or neither`]),
    ...(isSet('PUBLIC_URL') ? [] : ['PUBLIC_URL is missing: the address people reach this server at']),
    ...secretNames.filter((name) => !isSet(name)).map((name) => `${name} is missing; ${secretAdvice}`),
  ]
}

/** Browsers drop a cookie that is for all sites and not for https alone. */
function cookieFaults({ COOKIE_SAME_SITE, PUBLIC_URL }: Readonly<Record<string, unknown>>): string[] {
  if (COOKIE_SAME_SITE !== 'none' || (typeof PUBLIC_URL === 'string' && isHttps(PUBLIC_URL))) return []
  return ['COOKIE_SAME_SITE is none, which browsers take from https alone: set a PUBLIC_URL of https']
}

/** The address of this machine's server, where no other is configured. */
export function localUrl(port: number): string {
  return `http://localhost:${port}`
}

/** Reads `.env` into the process's environment, where it is not set already, if there is such a file. */
export function processEnvironment(): NodeJS.ProcessEnv {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return process.env
}

/** Parses an environment. Empty variables count as not set. @throws {ConfigInvalid} with every fault at once */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const isPresent = ([, value]: [string, unknown]) => value !== undefined && value !== ''
  const present = Object.fromEntries(Object.entries(environment).filter(isPresent))
  const parsed = environmentSchema.safeParse(present)
  const together = [...missingFaults(present), ...cookieFaults(present), ...modelFaults(present)]
  if (!parsed.success || together.length > 0) {
    const malformed = parsed.error?.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`) ?? []
    throw new ConfigInvalid([...malformed, ...together])
  }
  const env = parsed.data
  const services =
    env.DATABASE_URL === undefined || env.REDIS_URL === undefined
      ? null
      : { databaseUrl: env.DATABASE_URL, redisUrl: env.REDIS_URL }
  const publicUrl = env.PUBLIC_URL ?? localUrl(env.PORT)
  return Object.freeze({
    production: env.NODE_ENV === 'production',
    port: env.PORT,
    host: env.HOST ?? (services === null ? '127.0.0.1' : '0.0.0.0'),
    dataDir: env.DATA_DIR,
    services,
    secrets: {
      SIGNING_KEY_SECRET: env.SIGNING_KEY_SECRET ?? null,
      REFRESH_TOKEN_SECRET: env.REFRESH_TOKEN_SECRET ?? null,
    },
    smtpUrl: env.SMTP_URL ?? null,
    mailFrom: env.MAIL_FROM,
    logLevel: env.LOG_LEVEL,
    metricsToken: env.METRICS_TOKEN ?? null,
    trustedProxies: env.TRUSTED_PROXIES,
    corsOrigins: env.CORS_ORIGINS ?? (services === null ? null : []),
    demo: services === null && env.NODE_ENV !== 'production',
    scenarioModels: (env.SCENARIO_MODELS ?? (env.NODE_ENV === 'production' ? 'off' : 'on')) === 'on',
    models: modelsConfigOf(present),
    embeddings: env.EMBEDDINGS,
    settings: settingsOf(env, { isEmbedded: services === null, publicUrl }),
  })
}

function settingsOf(
  env: z.output<typeof environmentSchema>,
  { isEmbedded, publicUrl }: { isEmbedded: boolean; publicUrl: string },
): Settings {
  const defaults = defaultSettings
  const days = env.SIGNING_KEY_ROTATION_DAYS
  const lease = env.GENERATION_LEASE_SECONDS
  const isOpenDoor = isEmbedded && env.NODE_ENV !== 'production'
  return frozen({
    ...defaults,
    publicUrl,
    accessTokens: {
      ...defaults.accessTokens,
      issuer: publicUrl,
      audience: [publicUrl],
      algorithm: env.ACCESS_TOKEN_ALGORITHM ?? defaults.accessTokens.algorithm,
    },
    signingKeys: {
      ...defaults.signingKeys,
      rotationSeconds: days === undefined ? defaults.signingKeys.rotationSeconds : days * 86_400,
    },
    emailVerification: env.EMAIL_VERIFICATION ?? (isOpenDoor ? 'optional' : 'required'),
    passwordRules: env.PASSWORD_RULES ?? defaults.passwordRules,
    deviceSessions: { maxPerUser: env.MAX_DEVICE_SESSIONS ?? defaults.deviceSessions.maxPerUser },
    invitations: {
      ...defaults.invitations,
      perPersonAndHour: env.INVITATIONS_PER_HOUR ?? defaults.invitations.perPersonAndHour,
    },
    guessing: {
      ...defaults.guessing,
      loginsPerMinute: env.LOGIN_ATTEMPTS ?? defaults.guessing.loginsPerMinute,
      loginsPerName: env.LOGIN_ATTEMPTS ?? defaults.guessing.loginsPerName,
      registrationsPerHour: env.REGISTRATIONS_PER_HOUR ?? defaults.guessing.registrationsPerHour,
      resetsPerHour: env.RESETS_PER_HOUR ?? defaults.guessing.resetsPerHour,
      verificationsPerHour: env.VERIFICATIONS_PER_HOUR ?? defaults.guessing.verificationsPerHour,
    },
    models: {
      ...defaults.models,
      firstPartMillis: env.MODEL_FIRST_PART_MILLIS ?? defaults.models.firstPartMillis,
      thoughtMillis: env.MODEL_THOUGHT_MILLIS ?? defaults.models.thoughtMillis,
      baseMillis: env.MODEL_BACK_OFF_MILLIS ?? defaults.models.baseMillis,
    },
    cookies: { isSecure: isHttps(publicUrl), sameSite: env.COOKIE_SAME_SITE },
    credits: {
      ...defaults.credits,
      monthly: Object.freeze({
        FREE: creditsOf(env.MONTHLY_CREDITS_FREE) ?? defaults.credits.monthly.FREE,
        PRO: creditsOf(env.MONTHLY_CREDITS_PRO) ?? defaults.credits.monthly.PRO,
        ENTERPRISE: creditsOf(env.MONTHLY_CREDITS_ENTERPRISE) ?? defaults.credits.monthly.ENTERPRISE,
      }),
    },
    generations: {
      ...defaults.generations,
      leaseMillis: lease === undefined ? defaults.generations.leaseMillis : lease * 1_000,
    },
  })
}

function creditsOf(credits: number | undefined): bigint | undefined {
  return credits === undefined ? undefined : BigInt(credits) * MILLIONTHS_PER_CREDIT
}

function frozen(settings: Settings): Settings {
  for (const group of Object.values(settings)) Object.freeze(group)
  return Object.freeze(settings)
}
