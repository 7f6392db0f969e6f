/** A configured service does not answer at the start; the message names it without its password. */
export class ServiceUnreachable extends Error {
  constructor(variable: string, url: string, reason: unknown) {
    super(`${variable} points to ${serviceHost(url)}, which cannot be used: ${reasonOf(reason)}`)
  }
}

/** The host of a service with its port, or the directory of its socket: postgres:///name?host=/run/postgresql */
export function serviceHost(url: string): string {
  const { host, searchParams } = new URL(url)
  return searchParams.get('host') || host
}

/** A refused connection to a name with several addresses has an empty message of its own. */
function reasonOf(reason: unknown): string {
  if (reason instanceof AggregateError && reason.message === '') return reasonOf(reason.errors[0])
  return reason instanceof Error ? reason.message : String(reason)
}
