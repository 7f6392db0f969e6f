// What accounts promise, in a form small enough to be read beside security.md. Everything is in plain lists; people,
// sessions and links go by their place in these. Times are milliseconds.

/** Who may have an account: each person has one address and one username. */
export interface Account {
  readonly person: number
  readonly sessions: Session[]
  password: string
  isVerified: boolean
  isDeleted: boolean
}

/** One family of refresh tokens; a device goes by the first of its sessions. */
export interface Session {
  readonly number: number
  readonly account: Account
  readonly device: number
  readonly createdAt: number
  counter: number
  refreshedAt: number
  refreshedBy: string
  expiresAt: number
  isRevoked: boolean
  /** Its device is no longer known to the account. */
  isForgotten: boolean
  /** Until when its newest access token is good. */
  accessUntil: number
}

/** A mailed link. */
export interface Link {
  readonly number: number
  readonly account: Account
  readonly purpose: 'verify' | 'reset'
  readonly mailedAt: number
  isSpent: boolean
}

/** What a client does. Tokens are named by session and counter, devices and links by number. */
export type Step =
  | { readonly do: 'wait'; readonly minutes: number }
  | { readonly do: 'register'; readonly person: number; readonly username: number; readonly device: number | null }
  | { readonly do: 'login'; readonly name: string; readonly password: string; readonly device: number | null }
  | { readonly do: 'refresh'; readonly session: number; readonly counter: number; readonly device: number | null }
  | { readonly do: 'look' | 'logout' | 'revokeOthers'; readonly as: number }
  | { readonly do: 'logoutWith'; readonly session: number; readonly counter: number }
  | { readonly do: 'revoke'; readonly as: number; readonly session: number }
  | { readonly do: 'changePassword'; readonly as: number; readonly password: string; readonly next: string }
  | { readonly do: 'deleteAccount'; readonly as: number; readonly password: string }
  | { readonly do: 'requestReset' | 'resend'; readonly person: number }
  | { readonly do: 'reset'; readonly link: number; readonly next: string }
  | { readonly do: 'verify'; readonly link: number }

/** The reference: what a server should hold and answer. */
export interface Model {
  readonly accounts: Account[]
  readonly sessions: Session[]
  readonly links: Link[]
  /** By name, or name on a known device. */
  readonly failures: Map<string, Failure>
  /** How many notices of a copied refresh token each person was mailed. */
  readonly copies: Map<number, number>
}

interface Failure {
  readonly count: number
  readonly failedAt: number
  readonly lockedUntil: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MAX_SESSIONS = 10

/** The address of a person. */
export const emailOf = (person: number) => `person-${person}@model.example`
/** The username of a person. */
export const usernameOf = (person: number) => `person-${person}`

/** A world without accounts. */
export function emptyModel(): Model {
  return { accounts: [], sessions: [], links: [], failures: new Map(), copies: new Map() }
}

/** Whether a session can still be refreshed. */
export function isLiving(session: Session, now: number): boolean {
  return !session.isRevoked && now < session.expiresAt
}

/** Whether the newest access token of a session opens anything. */
export function isAdmitted(session: Session, now: number): boolean {
  return isLiving(session, now) && now < session.accessUntil
}

/** The sessions of an account that can still be refreshed. */
export function livingOf({ sessions }: Account, now: number): Session[] {
  return sessions.filter((session) => isLiving(session, now))
}

/** The living account of a person, if any. */
export function accountOf(model: Model, person: number): Account | undefined {
  return model.accounts.find((account) => account.person === person && !account.isDeleted)
}

/** The session of a number. @throws when there is none */
export function sessionAt({ sessions }: Model, number: number): Session {
  const session = sessions[number]
  if (session === undefined) throw new Error(`There is no session ${number}`)
  return session
}

/** Does a step in the model and says what a server should make of it. */
export function predict(model: Model, step: Step, now: number): string {
  switch (step.do) {
    case 'wait':
      return 'waited'
    case 'register':
      return register(model, step, now)
    case 'login':
      return login(model, step, now)
    case 'refresh':
      return refresh(model, step, now)
    case 'logoutWith':
      end([sessionAt(model, step.session)], now)
      return `LogoutPayload ${step.session}`
    case 'requestReset':
      return `Acknowledged, ${mail(model, step.person, 'reset', now)}`
    case 'resend':
      return `Acknowledged, ${mail(model, step.person, 'verify', now)}`
    case 'reset':
      return reset(model, step, now)
    case 'verify':
      return verify(model, step.link, now)
    default: {
      const own = sessionAt(model, step.as)
      return isAdmitted(own, now) ? signedIn(model, step, own, now) : 'UNAUTHENTICATED'
    }
  }
}

function signedIn(model: Model, step: Extract<Step, { as: number }>, own: Session, now: number): string {
  const { account } = own
  const others = account.sessions.filter((session) => session !== own)
  switch (step.do) {
    case 'look':
      return `Viewer with ${livingOf(account, now).length}`
    case 'logout':
      end([own], now)
      return `LogoutPayload ${own.number}`
    case 'revokeOthers':
      return `RevokedSessions ${end(others, now).join()}`
    case 'revoke': {
      const session = sessionAt(model, step.session)
      if (session.account !== account) return 'NOT_FOUND'
      end([session], now)
      return `DeviceSession ${session.number}`
    }
    case 'changePassword':
    case 'deleteAccount': {
      const name = `id:${model.accounts.indexOf(account)}`
      const refusal = tryPassword(model, name, account, step.password, now)
      if (refusal !== null) return refusal
      spend(model, account, 'reset')
      if (step.do === 'deleteAccount') {
        account.isDeleted = true
        end(account.sessions, now)
        return 'Acknowledged'
      }
      account.password = step.next
      end(others, now)
      return 'Viewer'
    }
  }
}

function register(model: Model, step: Extract<Step, { do: 'register' }>, now: number): string {
  if (accountOf(model, step.person) !== undefined) return 'EmailTaken'
  if (step.person !== step.username) return 'UsernameTaken'
  const { person, device } = step
  const account = { person, sessions: [], password: passwordOf(person), isVerified: false, isDeleted: false }
  model.accounts.push(account)
  return `${open(model, account, device, now)}, ${mail(model, person, 'verify', now)}`
}

/** The password a person registers with. */
export function passwordOf(person: number): string {
  return `Correct-Horse-${person}`
}

function login(model: Model, { name, password, device }: Extract<Step, { do: 'login' }>, now: number): string {
  const key = name.trim().toLowerCase()
  const account = model.accounts.find(
    ({ person, isDeleted }) => !isDeleted && (key === emailOf(person) || key === usernameOf(person)),
  )
  const isKnown =
    device !== null && account?.sessions.some((session) => session.device === device && !session.isForgotten) === true
  const refusal = tryPassword(model, isKnown ? `${device} ${key}` : ` ${key}`, account, password, now)
  if (refusal !== null || account === undefined) return refusal ?? 'InvalidCredentials'
  return open(model, account, device, now)
}

/** Five failures in a row lock a name for a minute, each further one for twice as long, up to an hour; forgotten in a day. */
function tryPassword(
  { failures }: Model,
  name: string,
  account: Account | undefined,
  password: string,
  now: number,
): string | null {
  const before = failures.get(name)
  if (before !== undefined && now < before.lockedUntil) {
    return `AccountLocked ${Math.ceil((before.lockedUntil - now) / SECOND)}`
  }
  if (password === account?.password) {
    failures.delete(name)
    return null
  }
  const count = before !== undefined && now < before.failedAt + DAY ? before.count + 1 : 1
  const lockedUntil = count < 5 ? 0 : now + Math.min(HOUR, MINUTE * 2 ** (count - 5))
  failures.set(name, { count, failedAt: now, lockedUntil })
  return 'InvalidCredentials'
}

function open(model: Model, account: Account, device: number | null, now: number): string {
  const number = model.sessions.length
  const byUse = livingOf(account, now).toSorted((a, b) => b.refreshedAt - a.refreshedAt)
  end(byUse.slice(MAX_SESSIONS - 1), now)
  const times = { createdAt: now, refreshedAt: now, expiresAt: now + 7 * DAY, accessUntil: now + 15 * MINUTE }
  const state = { counter: 0, isRevoked: false, isForgotten: false, refreshedBy: '' }
  const opened = { number, account, device: device ?? number, ...times, ...state }
  model.sessions.push(opened)
  account.sessions.push(opened)
  return `AuthPayload ${number}.0`
}

function refresh(model: Model, step: Extract<Step, { do: 'refresh' }>, now: number): string {
  const session = sessionAt(model, step.session)
  const trader = step.device === null ? 'no device' : `device ${step.device}`
  const isNewest = step.counter === session.counter
  const isRepeat =
    step.counter === session.counter - 1 && session.refreshedBy === trader && now <= session.refreshedAt + DAY
  if (!isNewest && !isRepeat) {
    const { person, isDeleted } = session.account
    if (!session.isRevoked && !isDeleted) model.copies.set(person, (model.copies.get(person) ?? 0) + 1)
    // A thief may hold the device's token as well.
    if (!session.isRevoked) session.isForgotten = true
    session.isRevoked = true
  }
  if (!isLiving(session, now)) return 'InvalidRefreshToken'
  if (isNewest) {
    session.counter += 1
    session.refreshedAt = now
    session.refreshedBy = trader
    session.expiresAt = Math.min(now + 7 * DAY, session.createdAt + 30 * DAY)
  }
  session.accessUntil = now + 15 * MINUTE
  return `AuthPayload ${session.number}.${session.counter}`
}

/** The fourth mail of a kind to an account in an hour is not sent; the answer is the same. */
function mail(model: Model, person: number, purpose: Link['purpose'], now: number): string {
  const account = accountOf(model, person)
  const earlier = model.links.filter((link) => link.account === account && link.purpose === purpose)
  const isEnough = earlier.filter(({ mailedAt }) => mailedAt > now - HOUR).length >= 3
  if (account === undefined || isEnough || (purpose === 'verify' && account.isVerified)) return 'no mail'
  // The newest is the one that counts.
  spend(model, account, purpose)
  const number = model.links.length
  model.links.push({ number, account, purpose, mailedAt: now, isSpent: false })
  return `link ${number}`
}

function isGood({ account, purpose, mailedAt, isSpent }: Link, wanted: Link['purpose'], now: number): boolean {
  const isInTime = now < mailedAt + (purpose === 'reset' ? HOUR / 2 : DAY)
  return purpose === wanted && isInTime && !isSpent && !account.isDeleted
}

function reset(model: Model, { link: number, next }: Extract<Step, { do: 'reset' }>, now: number): string {
  const link = model.links[number]
  if (link === undefined || !isGood(link, 'reset', now)) return 'InvalidToken'
  spend(model, link.account, 'reset')
  link.account.password = next
  link.account.isVerified = true
  for (const session of link.account.sessions) session.isForgotten = true
  for (const name of [emailOf, usernameOf]) model.failures.delete(` ${name(link.account.person)}`)
  end(link.account.sessions, now)
  return 'Acknowledged'
}

function verify(model: Model, number: number, now: number): string {
  const link = model.links[number]
  if (link === undefined || !isGood(link, 'verify', now)) return 'InvalidToken'
  link.isSpent = true
  link.account.isVerified = true
  return 'VerifiedEmail'
}

function spend({ links }: Model, account: Account, purpose: Link['purpose']): void {
  for (const link of links) if (link.account === account && link.purpose === purpose) link.isSpent = true
}

/** Ends those that live and says which. */
function end(sessions: readonly Session[], now: number): number[] {
  const living = sessions.filter((session) => isLiving(session, now))
  for (const session of living) session.isRevoked = true
  return living.map(({ number }) => number)
}
