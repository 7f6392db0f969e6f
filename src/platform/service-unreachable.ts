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

// Appendix A of the PostgreSQL manual: connection exceptions, too many connections, a server that stops or starts.
const PG_STATE = /^(08...|53300|57P0[1-5])$/
const SOCKET_CODE = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN)$/
// What pg and its pool throw themselves has no code.
const PG_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/

/** Whether an error says that a service behind this one does not answer, so that the same call may succeed later. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.some(isUnreachable)) return true
  const code = 'code' in error ? String(error.code) : ''
  if (PG_STATE.test(code) || SOCKET_CODE.test(code) || PG_WORDS.test(error.message)) return true
  return isUnreachable(error.cause)
}
