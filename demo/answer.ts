import type { Subscriptions } from './operations.ts'
import { promised } from './promise.ts'

type Event = Subscriptions['chatEvents'][0]
type Finished = Extract<Event, { __typename: 'MessageFinished' }>['message']

/** What somebody knows of an answer that is being written. */
export class Answer {
  readonly #reader: string
  text = ''
  /** The message as it was told at the end. */
  finished: Finished = null

  constructor(reader: string) {
    this.#reader = reader
  }

  /** Takes what was told and answers the text that is new. @throws when something is missing before it, or told again */
  hear(event: Event): string {
    const known = this.text
    if (event.__typename === 'MessageDelta' && event.kind === 'TEXT') {
      const { index, text } = event
      // The manual allows an earlier place. From a cursor on there is no repeat either, and that is what is shown here.
      promised(
        index === known.length,
        `${this.#reader} has ${known.length} characters, and is told what follows ${index}`,
      )
      this.text += text
    }
    if (event.__typename === 'MessageFinished') this.finished = event.message
    const isGoing = event.__typename !== 'ResyncRequired' && event.__typename !== 'SubscriptionEnded'
    promised(isGoing, `${this.#reader} was told ${event.__typename} in the middle of an answer`)
    return this.text.slice(known.length)
  }
}
