/**
 * A fact the person who pressed the button can act on: EmailTaken, EditConflict. It becomes a member of the mutation's
 * result union, so its message is written for people and never holds anything internal.
 */
export abstract class UserError extends Error {
  abstract readonly code: string
}

/**
 * Neither the result nor a fault: something that has to come first. It is a member of the mutation's result union, with
 * fields of its own; what was done before it was thrown stays done.
 */
export abstract class NextStep extends Error {}

/** The codes that can be true of any field; `graphql/errors.ts` maps them to families and statuses. */
export type FaultCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_REQUEST'
  | 'RATE_LIMITED'
  | 'PAYLOAD_TOO_LARGE'
  | 'SERVICE_UNAVAILABLE'

/** A refusal that is true of any field: it reaches the caller as `errors[]` with its code and message. */
export class Fault extends Error {
  readonly code: FaultCode
  /** The service outside whose fault it is: each has a family of codes. */
  readonly service: string | null = null
  constructor(code: FaultCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Nobody is signed in, or the credentials no longer hold. */
export class Unauthenticated extends Fault {
  constructor(message = 'Sign in to do this.') {
    super('UNAUTHENTICATED', message)
  }
}

/** The caller is known and may see the thing, but not do this to it. */
export class Forbidden extends Fault {
  /** The action that was refused, for the audit trail. */
  readonly action: string
  readonly target: string | null
  constructor(action: string, target: string | null = null) {
    super('FORBIDDEN', `Your role does not include ${action}.`)
    this.action = action
    this.target = target
  }
}

/** Absent, or unreadable for this caller: one answer for both, so that ids cannot be probed. */
export class NotFound extends Fault {
  /** What was to be done, and to what, for the audit trail; null where no gate said. */
  readonly action: string | null
  readonly target: string | null
  constructor(noun: string, action: string | null = null, target: string | null = null) {
    super('NOT_FOUND', `No such ${noun}.`)
    this.action = action
    this.target = target
  }
}

/** The request itself is wrong in a way no result union has a place for. */
export class BadRequest extends Fault {
  constructor(message: string) {
    super('BAD_REQUEST', message)
  }
}

/** Too often in too short a time. */
export class RateLimited extends Fault {
  /** Whole seconds, 1 at least, after which there is room again. */
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds: number) {
    super('RATE_LIMITED', 'That was too often. Try again later.')
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The server is too busy or a service behind it is away; the same call may succeed later. */
export class Unavailable extends Fault {
  constructor(message = 'The service is busy. Try again in a moment.') {
    super('SERVICE_UNAVAILABLE', message)
  }
}

/** What the caller may has changed between the gate and the commit: nothing was done, and the gate is to be asked again. */
export class AccessMoved extends Error {
  override readonly name = 'AccessMoved'
}

/** Somebody else was faster: the row is no longer the version that the change was made for. Nothing was changed. */
export class EditConflict extends UserError {
  readonly code = 'EDIT_CONFLICT'
  /** The TypeID of what was to be changed; the caller is shown what is there now, if they may still see it. */
  readonly currentId: string
  constructor(currentId: string) {
    super('It was changed by somebody else meanwhile. Look at it as it is now, and try again.')
    this.currentId = currentId
  }
}

/** A fact that is also a refusal: it goes into the audit trail, as what was to be done and to what. */
export abstract class Denial extends UserError {
  readonly action: string
  readonly target: string | null
  constructor(message: string, action: string, target: string | null) {
    super(message)
    this.action = action
    this.target = target
  }
}

/** Input that has the right shape for GraphQL but breaks a rule; `fields` says where, by path. */
export class InvalidInput extends UserError {
  readonly code = 'INVALID_INPUT'
  readonly fields: readonly { readonly path: readonly string[]; readonly message: string }[]
  constructor(fields: InvalidInput['fields']) {
    super(fields.map((field) => `${field.path.join('.') || 'input'}: ${field.message}`).join('; '))
    this.fields = fields
  }
}
