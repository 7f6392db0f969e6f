import type { Transaction } from '../../../platform/database/transact.ts'
import { violatedConstraint } from '../../../platform/database/violated-constraint.ts'
import { UserError } from '../../../platform/errors.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { createPersonalOrganization } from '../organizations/active-organization.service.ts'
import { User } from './user.entity.ts'

/** Another account has this address. */
export class EmailTaken extends UserError {
  readonly code = 'EMAIL_TAKEN'
  constructor() {
    super('An account with this e-mail address exists already.')
  }
}

/** Another account has this username, ignoring case. */
export class UsernameTaken extends UserError {
  readonly code = 'USERNAME_TAKEN'
  constructor() {
    super('This username is taken.')
  }
}

/** What an account begins with. */
export interface NewAccount {
  readonly email: string
  readonly username: string | null
  readonly displayName: string
  readonly passwordHash: string
  readonly emailVerifiedAt: Date | null
  /** False when absent. */
  readonly isPlatformAdmin?: boolean
}

/** Whose account was made, and the organization it begins in. */
export interface AccountIdentity {
  readonly userId: string
  readonly organizationId: string
}

/** What addresses and usernames are unique by. */
export function nameKey(name: string): string {
  return name.trim().toLowerCase()
}

/** Makes an account with a personal organization. The flush throws when a name is taken: see `namedFacts`. */
export function createAccount(tx: Transaction, account: NewAccount): AccountIdentity {
  const userId = newUuid(tx.now)
  tx.em.create(User, {
    ...account,
    id: userId,
    emailKey: nameKey(account.email),
    usernameKey: account.username === null ? null : nameKey(account.username),
    avatarUrl: null,
    preferences: {},
    accessEpoch: 0,
    isPlatformAdmin: account.isPlatformAdmin ?? false,
    createdAt: tx.now,
    updatedAt: tx.now,
    suspendedAt: null,
    deletedAt: null,
  })
  const organizationId = createPersonalOrganization(tx, userId, account.displayName)
  return { userId, organizationId }
}

/** Uniqueness is decided by the constraints; this gives their violations names. @throws {EmailTaken | UsernameTaken} */
export function namedFacts(error: unknown): never {
  const constraint = violatedConstraint(error)
  if (constraint?.includes('email')) throw new EmailTaken()
  if (constraint?.includes('username')) throw new UsernameTaken()
  throw error
}
