package tenancy

// Role is the role of a user.
type Role string

// The roles of the platform, and those of a tenant.
const (
	RoleSuperuser       Role = "SUPERUSER"
	RolePlatformManager Role = "PLATFORM_MANAGER"
	RolePlatformSupport Role = "PLATFORM_SUPPORT"
	RolePlatformSales   Role = "PLATFORM_SALES"
	RoleOwner           Role = "TENANT_OWNER"
	RoleManager         Role = "TENANT_MANAGER"
	RoleStaff           Role = "TENANT_STAFF"
	RoleCustomer        Role = "CUSTOMER"
)

// Roles lists every role, from the highest rank to the lowest.
func Roles() []Role {
	return []Role{
		RoleSuperuser, RolePlatformManager, RolePlatformSupport, RolePlatformSales,
		RoleOwner, RoleManager, RoleStaff, RoleCustomer,
	}
}

var ranks = map[Role]int{
	RoleSuperuser: 100, RolePlatformManager: 90, RolePlatformSupport: 80, RolePlatformSales: 70,
	RoleOwner: 50, RoleManager: 40, RoleStaff: 30, RoleCustomer: 10,
}

// Rank orders roles; users cannot assign or change a role above their own. An unknown role has
// rank 0.
func (r Role) Rank() int { return ranks[r] }

// Valid reports whether r is one of Roles.
func (r Role) Valid() bool { return ranks[r] > 0 }

// Platform reports whether the role is one of the platform, not of a tenant.
func (r Role) Platform() bool { return r.Rank() >= ranks[RolePlatformSales] }
