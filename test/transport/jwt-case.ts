import { z } from 'zod'
import cases from '../corpora/jwt.json' with { type: 'json' }

const text = z.string()
const json = z.record(z.string(), z.unknown())
const algorithm = z.enum(['RS256', 'ES256', 'EdDSA'])

/**
 * How a token departs from a genuine one. In every text `${name}` stands for something of the server or the person
 * (`jwt-forge.ts` says what), `${name|filter}` for a version of it; `${now-5}` alone is a number of seconds.
 */
const caseSchema = z.strictObject({
  name: text,
  expected: z.enum(['admitted', 'refused']),
  /** The algorithm the server is configured with; RS256 when absent. */
  server: algorithm.optional(),
  /** Members to add or replace, and others to leave out. */
  header: json.optional(),
  claims: json.optional(),
  without: z.strictObject({ header: z.array(text).optional(), claims: z.array(text).optional() }).optional(),
  /** The very JSON of a part, where an object cannot say it. */
  headerText: text.optional(),
  payloadText: text.optional(),
  /** Whose private key signs: that of the server when absent. */
  key: z.enum(['ours', 'ours before', 'foreign RSA', 'foreign EC', 'foreign Ed25519']).optional(),
  /** Signs with a secret instead, in base64 where that is not text. */
  secret: text.optional(),
  /** How the signature is made, whatever the header says. */
  signAs: text.optional(),
  /** Claims to fill up until the token has about so many characters: at most if positive, else at least. */
  fillTo: z.number().int().optional(),
  /** The whole token, of the parts `h`, `p` and `s` as made by all of the above. */
  token: text.optional(),
  scheme: text.optional(),
  /** Where a header of HTTP cannot carry it as it is. */
  onlySocket: z.literal(true).optional(),
})

/** One token of the corpus. */
export type JwtCase = z.output<typeof caseSchema>

/** The corpus. @throws when a case is not one */
export const jwtCases: readonly JwtCase[] = z.array(caseSchema).parse(cases)
