import type { Clock } from '../../src/platform/clock.ts'
import type { Mail, Mailer } from '../../src/platform/mailer.ts'

/** A clock that goes with the machine's, ahead of it by as much as a test has moved it. */
export interface MovableClock extends Clock {
  /** Moves time forward for everything that asks this clock. */
  advance(by: { seconds?: number; minutes?: number; hours?: number; days?: number }): void
}

/** Makes a clock that tests move. */
export function movableClock(): MovableClock {
  let aheadMillis = 0
  return {
    now: () => new Date(Date.now() + aheadMillis),
    advance: ({ seconds = 0, minutes = 0, hours = 0, days = 0 }) => {
      aheadMillis += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000
    },
  }
}

/** A mailer that keeps what it is given. */
export interface Mailbox extends Mailer {
  readonly sent: readonly Mail[]
  /** The mails to one address. */
  to(address: string): readonly Mail[]
}

/** Makes a mailer that sends nothing. */
export function mailbox(): Mailbox {
  const sent: Mail[] = []
  return {
    sent,
    to: (address) => sent.filter((mail) => mail.to === address),
    send: async (mail) => void sent.push(mail),
    close: async () => undefined,
  }
}

/** The cheapest hash argon2 makes: tests sign in many people. */
export const cheapPasswords = { memoryKib: 1024, iterations: 1, parallelism: 1 }
