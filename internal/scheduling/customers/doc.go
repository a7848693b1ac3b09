// Package customers owns the customers of a business.
//
// It calls nothing but the store and its queries. Invariants: a customer who signs in sees their own record
// without the notes, and no other; a user is the login of at most one customer; a change and its
// event commit together.
package customers
