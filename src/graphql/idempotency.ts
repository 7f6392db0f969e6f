import { z } from 'zod'
import { IdempotencyKeyReused } from '../platform/idempotency.ts'
import { errorType } from './errors.ts'
import { optional } from './input.ts'

errorType(IdempotencyKeyReused, 'The key was used before with another input; what it made then stands.')

/** The description of every `idempotencyKey`. */
export const idempotencyKeyDescription =
  'Any text of yours, 128 characters at most: a repeat within 24 h makes nothing new.'

/** The rule of every `idempotencyKey`; null when there is none. */
export const idempotencyKey = optional(z.string().min(1).max(128))
