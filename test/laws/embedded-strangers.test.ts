import { describeStrangers } from './strangers-law.ts'

// Where there are real services, the strangers try everything there alone. What a server without any does in ways of its own
// they try here in any case: what it keeps in files, what it tells by channels of its own, and how it finds what is near.

const actors = [
  'the owner of another organization',
  'an editor outside the private project',
  'a guest of the organization',
] as const

describeStrangers(actors, ({ coordinate, operation }) => operation === 'subscription' || coordinate === 'Query.search')
