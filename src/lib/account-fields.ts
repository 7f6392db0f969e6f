import { z } from 'zod'
import { singleLine } from './single-line.ts'

// What an account may be called, whichever door it comes in by.

/** An e-mail address of at most 254 characters (RFC 5321, 4.5.3.1, less the brackets of a path), trimmed. */
export const emailAddress = singleLine({ max: 254 }).pipe(z.email('not an e-mail address'))

/** The name to show. */
export const displayName = singleLine({ min: 2, max: 80 })

/** No `@`, so that it is told from an address where people sign in. */
export const username = z.string().regex(/^[A-Za-z0-9_.-]{3,32}$/, '3 to 32 letters, digits, "_", "." or "-"')
