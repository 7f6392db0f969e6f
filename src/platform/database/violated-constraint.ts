import { UniqueConstraintViolationException } from '@mikro-orm/postgresql'

/** unique_violation of PostgreSQL, appendix A */
const UNIQUE_VIOLATION = '23505'

/** The name of the unique constraint that an error of MikroORM's or, for statements of Kysely's, the driver's tells of. */
export function violatedConstraint(error: unknown): string | undefined {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return error instanceof UniqueConstraintViolationException || code === UNIQUE_VIOLATION ? constraint : undefined
}
