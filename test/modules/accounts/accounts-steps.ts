import type { Random } from '../../kit/random.ts'
import {
  type Account,
  accountOf,
  emailOf,
  isAdmitted,
  type Link,
  type Model,
  passwordOf,
  type Session,
  type Step,
  usernameOf,
} from './accounts-model.ts'

const PEOPLE = [0, 1, 2, 3, 4]
const RECENT_SESSIONS = 60
/** Long before housekeeping forgets a session. */
const REMEMBERED_MILLIS = 60 * 86_400_000
/** Nobody's password. */
const WRONG = 'Wrong-Horse-1'

/** How often each step comes up among those of one choice; a short story counts as one. */
const weights = {
  wait: 7,
  register: 6,
  login: 16,
  refresh: 24,
  look: 12,
  logout: 2,
  logoutWith: 2,
  revoke: 3,
  revokeOthers: 2,
  changePassword: 4,
  requestReset: 4,
  resend: 3,
  reset: 4,
  verify: 4,
  deleteAccount: 1.5,
  // Stories: what single steps would hardly ever come to.
  guess: 1.5,
  crowd: 0.6,
  repeat: 2,
}
const choices = Object.keys(weights) as (keyof typeof weights)[]
const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0)

/** Chooses what happens next in a world: one step, or several that make a story. */
export function nextSteps(model: Model, random: Random, now: number): readonly Step[] {
  let rest = random.below(total * 1_000) / 1_000
  const choice = choices.find((one) => {
    rest -= weights[one]
    return rest < 0
  })
  return stepsOf(choice ?? 'wait', { model, random, now })
}

interface World {
  readonly model: Model
  readonly random: Random
  readonly now: number
}

function stepsOf(choice: keyof typeof weights, world: World): readonly Step[] {
  const { model, random, now } = world
  const recent = model.sessions.slice(-RECENT_SESSIONS).filter(({ expiresAt }) => expiresAt > now - REMEMBERED_MILLIS)
  const person = random.pick(PEOPLE)
  const device = recent.length > 0 && random.chance(0.5) ? random.pick(recent).device : null
  if (choice === 'wait') return [{ do: 'wait', minutes: minutesOf(random) }]
  if (choice === 'requestReset' || choice === 'resend') return [{ do: choice, person }]
  if (choice === 'register' || recent.length === 0) return [registration(world, person, device)]
  if (choice === 'login') return [login(world, device)]
  if (choice === 'guess') return guesses(world, recent)
  if (choice === 'crowd') return crowd(world)
  if (choice === 'reset' || choice === 'verify') return link(world, choice)

  const own = random.chance(0.8) ? owner(world, recent) : random.pick(recent)
  if (choice === 'refresh') return [refresh(random, own, device)]
  if (choice === 'repeat') return repeats(random, own)
  if (choice === 'logoutWith') return [{ do: choice, session: own.number, counter: random.below(own.counter + 1) }]
  if (choice === 'revoke') {
    const session = random.chance(0.7) ? random.pick(own.account.sessions.slice(-RECENT_SESSIONS)) : random.pick(recent)
    return [{ do: choice, as: own.number, session: session.number }]
  }
  const password = guessOf(random, own.account, 0.6)
  if (choice === 'changePassword') return [{ do: choice, as: own.number, password, next: newPassword(random) }]
  if (choice === 'deleteAccount') return [{ do: choice, as: own.number, password }]
  return [{ do: choice, as: own.number }]
}

function minutesOf(random: Random): number {
  if (random.chance(0.6)) return 1 + random.below(16)
  return random.chance(0.7) ? 60 * (1 + random.below(30)) : 24 * 60 * (1 + random.below(8))
}

const newPassword = (random: Random) => `Battery-Staple-${random.below(1_000)}`

/** The password of an account with some probability; else a wrong one, be it that of its beginnings. */
function guessOf(random: Random, account: Account | undefined, right: number): string {
  if (account === undefined) return WRONG
  if (random.chance(right)) return account.password
  return random.chance(0.5) ? passwordOf(account.person) : WRONG
}

/** Somebody who is signed in, if there is anybody. */
function owner({ random, now }: World, recent: readonly Session[]): Session {
  const admitted = recent.filter((session) => isAdmitted(session, now))
  return random.pick(admitted.length > 0 ? admitted : recent)
}

function registration({ model, random }: World, person: number, device: number | null): Step {
  const isFree = accountOf(model, person) === undefined
  const others = PEOPLE.filter((other) => other !== person && accountOf(model, other) !== undefined)
  const username = isFree && others.length > 0 && random.chance(0.15) ? random.pick(others) : person
  return { do: 'register', person, username, device }
}

function login({ model, random }: World, device: number | null, person = random.pick(PEOPLE), right = 0.65): Step {
  const name = random.chance(0.7) ? emailOf(person) : usernameOf(person)
  const spelled = random.chance(0.2) ? ` ${name.toUpperCase()}` : name
  return { do: 'login', name: spelled, password: guessOf(random, accountOf(model, person), right), device }
}

/** Somebody guesses until the name is locked; then its owner comes, from a device that is known, or not. */
function guesses({ random, now }: World, recent: readonly Session[]): readonly Step[] {
  const own = random.pick(recent)
  const { account, device: known, number: as } = own
  const isInside = isAdmitted(own, now) && random.chance(0.4)
  const enter = (password: string, device: number | null = null): Step => {
    return { do: 'login', name: emailOf(account.person), password, device }
  }
  const change = (password: string): Step => ({ do: 'changePassword', as, password, next: account.password })
  const guess = isInside ? change : enter
  const many = Array.from({ length: 4 + random.below(3) }, () => guess(WRONG))
  const later: Step = { do: 'wait', minutes: 1 + random.below(3) }
  const right = account.password
  return [...many, guess(right), enter(right, known), enter(right), later, guess(WRONG), guess(right)]
}

/** More devices at once than one person may have. */
function crowd({ model, random }: World): readonly Step[] {
  const living = model.accounts.filter(({ isDeleted }) => !isDeleted)
  if (living.length === 0) return []
  const { person, password } = random.pick(living)
  return Array.from({ length: 11 }, () => ({ do: 'login', name: emailOf(person), password, device: null }))
}

/** Mostly the newest token or the one before it, mostly from the device it is of. */
function refresh(random: Random, session: Session, stranger: number | null): Step {
  const age = random.chance(0.6) ? 0 : random.chance(0.8) ? 1 : 2 + random.below(3)
  const device = random.chance(0.7) ? session.device : stranger
  return { do: 'refresh', session: session.number, counter: Math.max(0, session.counter - age), device }
}

/** One device trades the same token again and again, at once or much later. */
function repeats(random: Random, { number: session, counter, device }: Session): readonly Step[] {
  const again: Step = { do: 'refresh', session, counter, device: random.chance(0.6) ? device : null }
  const wait: Step = { do: 'wait', minutes: random.chance(0.7) ? 1 + random.below(60) : 23 * 60 + random.below(120) }
  return random.chance(0.5) ? [again, again, again] : [again, wait, again]
}

/** Mostly the newest link of its kind, sometimes one of any kind; now and then the same one once more. */
function link({ model, random }: World, choice: 'reset' | 'verify'): readonly Step[] {
  const wanted: Link['purpose'] = random.chance(0.9) ? choice : choice === 'reset' ? 'verify' : 'reset'
  const fitting = model.links.filter(({ purpose }) => purpose === wanted).slice(-6)
  if (fitting.length === 0) return []
  const { number } = random.chance(0.6) ? random.pick(fitting.slice(-2)) : random.pick(fitting)
  const step: Step =
    choice === 'reset' ? { do: choice, link: number, next: newPassword(random) } : { do: choice, link: number }
  return random.chance(0.25) ? [step, step] : [step]
}
