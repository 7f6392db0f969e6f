/**
 * What the page of an invitation's link does: shows the offer, signs in with the account of its address, takes it up, and
 * signs out again. Whatever comes from outside is only ever set as text.
 */
export const invitationScript = `
  const form = document.querySelector('form')
  const status = document.querySelector('[role=status]')
  const intro = document.querySelector('p')
  const button = form.querySelector('button')
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  const closed = 'This invitation is not open any more. Ask for a new one.'
  const ask = async (query, variables, accessToken) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    if (accessToken) headers.authorization = 'Bearer ' + accessToken
    const body = JSON.stringify({ query, variables })
    const response = await fetch(new URL('graphql', location.href), { method: 'POST', headers, body })
    const { data, errors } = await response.json()
    return errors ? { message: errors[0].message } : data.result
  }
  const unreachable = () => { status.textContent = 'The server cannot be reached. Try again in a moment.' }
  let offer = null
  const show = (found) => {
    offer = found
    button.disabled = !offer
    if (!offer) { status.textContent = closed; return }
    intro.textContent = offer.inviterName + ' invites ' + offer.email + ' to ' + offer.organizationName +
      '. Sign in with the account of that address to join. If there is none yet, make it first, then open this link again.'
  }
  button.disabled = true
  if (!token) status.textContent = 'This link is not complete. Copy the whole of it from the mail.'
  else ask('query ($token: String!) { result: invitation(token: $token) { organizationName inviterName email } }', { token })
    .then(show, unreachable)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    button.disabled = true
    status.textContent = 'One moment …'
    try {
      const credentials = { identifier: offer.email, password: form.querySelector('input').value }
      const session = await ask('mutation ($input: LoginInput!) { result: login(input: $input) ' +
        '{ ... on AuthPayload { accessToken } ... on UserError { message } } }', { input: credentials })
      const refusal = session.accessToken
        ? await ask('mutation ($input: AcceptInvitationInput!) { result: acceptInvitation(input: $input) ' +
          '{ ... on UserError { message } } }', { input: { token } }, session.accessToken)
        : session
      if (session.accessToken)
        await ask('mutation { result: logout(input: {}) { __typename } }', {}, session.accessToken)
      status.textContent = refusal.message || document.body.dataset.done
      if (refusal.message) button.disabled = false
      else history.replaceState(null, '', location.pathname)
    } catch {
      unreachable()
      button.disabled = false
    }
  })`
