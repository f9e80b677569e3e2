import type { Call } from '../http/api.ts'
import type { LoginService } from './login-service.ts'

export function createLoginOperations(call: Call): LoginService {
  return {
    list: () => call('listLogins', {}),
    remove: (id) => call('removeLogin', { params: { id } }),
  }
}
