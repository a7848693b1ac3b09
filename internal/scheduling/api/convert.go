package api

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"

	commonoapi "github.com/smoothschedule/smoothschedule/gen/api/common"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/names"
)

// orNull writes nil as null.
func orNull[T any](v *T) nullable.Nullable[T] {
	if v == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*v)
}

// fromNullable tells a field that is absent from one that is null.
func fromNullable[T any](v nullable.Nullable[T]) (value *T, given bool) {
	if !v.IsSpecified() || v.IsNull() {
		return nil, v.IsSpecified()
	}
	got := v.MustGet()
	return &got, true
}

// or returns what a pointer points to, or a default.
func or[T any](v *T, absent T) T {
	if v == nil {
		return absent
	}
	return *v
}

// toString converts an optional value of a named string type.
func toString[T ~string](v *T) *string {
	if v == nil {
		return nil
	}
	s := string(*v)
	return &s
}

func toInt32(v *int) *int32 {
	if v == nil {
		return nil
	}
	n := int32(*v)
	return &n
}

func fromInt32(v *int32) *int {
	if v == nil {
		return nil
	}
	n := int(*v)
	return &n
}

// toLimit converts a number that may be absent or null, which means the same at creation.
func toLimit(v nullable.Nullable[int]) *int32 {
	n, _ := fromNullable(v)
	return toInt32(n)
}

// clearable keeps a field that is absent apart from one that is null.
func clearable[T any](v nullable.Nullable[T]) patch.Clearable[T] {
	value, given := fromNullable(v)
	return patch.Clearable[T]{Given: given, To: value}
}

// clearableLimit is clearable for numbers.
func clearableLimit(v nullable.Nullable[int]) patch.Clearable[int32] {
	value, given := fromNullable(v)
	return patch.Clearable[int32]{Given: given, To: toInt32(value)}
}

func toSlice[A, B any](list []A, convert func(A) B) []B {
	out := make([]B, len(list))
	for i, v := range list {
		out[i] = convert(v)
	}
	return out
}

// notNil keeps an empty list from being written as null.
func notNil(ids []uuid.UUID) []uuid.UUID {
	if ids == nil {
		return []uuid.UUID{}
	}
	return ids
}

// ToAPIMoney converts an amount of money.
func ToAPIMoney(m money.Money) commonoapi.Money {
	return commonoapi.Money{Amount: m.Amount, Currency: m.Currency}
}

// FromAPIMoney converts an optional amount of money.
func FromAPIMoney(m *commonoapi.Money) *money.Money {
	if m == nil {
		return nil
	}
	return &money.Money{Amount: m.Amount, Currency: m.Currency}
}

// ToAPIResource converts a resource.
func ToAPIResource(r catalog.Resource) schedulingoapi.Resource {
	return schedulingoapi.Resource{
		ID: r.ID, Name: r.Name, Type: schedulingoapi.ResourceType(r.Type), Description: r.Description, Capacity: int(r.Capacity),
		Weight: int(r.Weight), MaxPerDay: orNull(fromInt32(r.MaxPerDay)), MaxPerWeek: orNull(fromInt32(r.MaxPerWeek)), IsActive: r.IsActive, UserID: orNull(r.UserID), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Version: int(r.Version),
	}
}

// FromAPIResourceCreate fills in the contract's defaults.
func FromAPIResourceCreate(in schedulingoapi.ResourceCreate) catalog.ResourceInput {
	userID, _ := fromNullable(in.UserID)
	return catalog.ResourceInput{
		Name: string(in.Name), Type: string(in.Type), Description: or(in.Description, ""), Capacity: int32(or(in.Capacity, 1)),
		Weight: toInt32(in.Weight), MaxPerDay: toLimit(in.MaxPerDay), MaxPerWeek: toLimit(in.MaxPerWeek), IsActive: or(in.IsActive, true), UserID: userID,
	}
}

// FromAPIResourceUpdate keeps absent fields apart from null ones.
func FromAPIResourceUpdate(in schedulingoapi.ResourceUpdate) catalog.ResourcePatch {
	return catalog.ResourcePatch{
		Name: (*string)(in.Name), Type: toString(in.Type), Description: in.Description, Capacity: toInt32(in.Capacity), Weight: toInt32(in.Weight),
		MaxPerDay: clearableLimit(in.MaxPerDay), MaxPerWeek: clearableLimit(in.MaxPerWeek), IsActive: in.IsActive,
		UserID: clearable(in.UserID),
	}
}

// ToAPIService converts a service.
func ToAPIService(v catalog.Service) schedulingoapi.Service {
	return schedulingoapi.Service{
		ID: v.ID, Name: v.Name, Description: v.Description, DurationMinutes: int(v.DurationMinutes),
		BufferBeforeMinutes: int(v.BufferBeforeMinutes), BufferAfterMinutes: int(v.BufferAfterMinutes),
		SlotStepMinutes: int(v.SlotStepMinutes), MinNoticeMinutes: int(v.MinNoticeMinutes),
		HorizonDays: orNull(fromInt32(v.HorizonDays)), MaxPerDay: orNull(fromInt32(v.MaxPerDay)),
		MaxPerWeek: orNull(fromInt32(v.MaxPerWeek)), Price: ToAPIMoney(v.Price), RequiresApproval: v.RequiresApproval, IsActive: v.IsActive, Requirements: toSlice(v.Requirements, ToAPIServiceRequirement),
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Version: int(v.Version),
	}
}

// ToAPIServiceRequirement converts a requirement.
func ToAPIServiceRequirement(q catalog.Requirement) schedulingoapi.ServiceRequirement {
	return schedulingoapi.ServiceRequirement{
		ResourceType: schedulingoapi.ResourceType(q.ResourceType), ResourceIds: notNil(q.ResourceIDs),
	}
}

// FromAPIServiceRequirement converts a requirement.
func FromAPIServiceRequirement(q schedulingoapi.ServiceRequirementInput) catalog.Requirement {
	return catalog.Requirement{ResourceType: string(q.ResourceType), ResourceIDs: or(q.ResourceIds, nil)}
}

// FromAPIServiceCreate fills in the contract's defaults; that of the price is the service's
// business, because it depends on the tenant.
func FromAPIServiceCreate(in schedulingoapi.ServiceCreate) catalog.ServiceInput {
	return catalog.ServiceInput{
		Name: string(in.Name), Description: or(in.Description, ""), DurationMinutes: int32(in.DurationMinutes),
		BufferBeforeMinutes: int32(or(in.BufferBeforeMinutes, 0)), BufferAfterMinutes: int32(or(in.BufferAfterMinutes, 0)),
		SlotStepMinutes: toInt32(in.SlotStepMinutes), MinNoticeMinutes: int32(or(in.MinNoticeMinutes, 0)),
		HorizonDays: toLimit(in.HorizonDays), MaxPerDay: toLimit(in.MaxPerDay), MaxPerWeek: toLimit(in.MaxPerWeek),
		Price: FromAPIMoney(in.Price), RequiresApproval: or(in.RequiresApproval, false), IsActive: or(in.IsActive, true),
		Requirements: toSlice(or(in.Requirements, nil), FromAPIServiceRequirement),
	}
}

// FromAPIServiceUpdate keeps absent fields nil.
func FromAPIServiceUpdate(in schedulingoapi.ServiceUpdate) catalog.ServicePatch {
	patch := catalog.ServicePatch{
		Name: (*string)(in.Name), Description: in.Description, DurationMinutes: toInt32(in.DurationMinutes),
		BufferBeforeMinutes: toInt32(in.BufferBeforeMinutes), BufferAfterMinutes: toInt32(in.BufferAfterMinutes),
		SlotStepMinutes: toInt32(in.SlotStepMinutes), MinNoticeMinutes: toInt32(in.MinNoticeMinutes),
		HorizonDays: clearableLimit(in.HorizonDays), MaxPerDay: clearableLimit(in.MaxPerDay),
		MaxPerWeek: clearableLimit(in.MaxPerWeek), Price: FromAPIMoney(in.Price), RequiresApproval: in.RequiresApproval, IsActive: in.IsActive,
	}
	if in.Requirements != nil {
		list := toSlice(*in.Requirements, FromAPIServiceRequirement)
		patch.Requirements = &list
	}
	return patch
}

// ToAPIBusinessHours converts the hours of the business.
func ToAPIBusinessHours(h catalog.Hours) schedulingoapi.BusinessHours {
	return schedulingoapi.BusinessHours{
		IsSet: h.IsSet, Timezone: h.Timezone, Weekly: toSlice(h.Weekly, ToAPIDayHours), Overrides: toSlice(h.Overrides, ToAPIDateHours),
		Version: int(h.Version),
	}
}

// ToAPIResourceHours converts the hours of a resource.
func ToAPIResourceHours(h catalog.Hours) schedulingoapi.ResourceHours {
	return schedulingoapi.ResourceHours{
		ResourceID: *h.ResourceID, IsSet: h.IsSet, Timezone: h.Timezone, Weekly: toSlice(h.Weekly, ToAPIDayHours),
		Overrides: toSlice(h.Overrides, ToAPIDateHours), Version: int(h.Version),
	}
}

// ToAPIDayHours converts the hours of a day of the week.
func ToAPIDayHours(h catalog.DayHours) schedulingoapi.DayHours {
	return schedulingoapi.DayHours{Day: schedulingoapi.Weekday(h.Day), Intervals: toSlice(h.Intervals, ToAPITimeInterval)}
}

// ToAPIDateHours converts the hours of a date.
func ToAPIDateHours(h catalog.DateHours) schedulingoapi.DateHours {
	return schedulingoapi.DateHours{Date: h.Date, Name: (*names.Name)(&h.Name), Intervals: toSlice(h.Intervals, ToAPITimeInterval)}
}

// ToAPITimeInterval converts a piece of a day.
func ToAPITimeInterval(i catalog.TimeInterval) schedulingoapi.TimeInterval {
	return schedulingoapi.TimeInterval{Start: i.Start, End: i.End}
}

// FromAPIBusinessHours converts what the hours of the business are replaced with.
func FromAPIBusinessHours(in schedulingoapi.BusinessHoursInput) catalog.HoursInput {
	return catalog.HoursInput{
		Timezone: in.Timezone, Weekly: toSlice(in.Weekly, FromAPIDayHours),
		Overrides: toSlice(or(in.Overrides, nil), FromAPIDateHours),
	}
}

// FromAPIResourceHours converts what the hours of a resource are replaced with.
func FromAPIResourceHours(in schedulingoapi.ResourceHoursInput) catalog.HoursInput {
	timezone, _ := fromNullable(in.Timezone)
	return catalog.HoursInput{
		Timezone: timezone, Weekly: toSlice(in.Weekly, FromAPIDayHours), Overrides: toSlice(or(in.Overrides, nil), FromAPIDateHours),
	}
}

// FromAPIDayHours converts the hours of a day of the week.
func FromAPIDayHours(in schedulingoapi.DayHours) catalog.DayHours {
	return catalog.DayHours{Day: string(in.Day), Intervals: toSlice(in.Intervals, FromAPITimeInterval)}
}

// FromAPIDateHours converts the hours of a date.
func FromAPIDateHours(in schedulingoapi.DateHours) catalog.DateHours {
	return catalog.DateHours{Date: in.Date, Name: string(or(in.Name, "")), Intervals: toSlice(in.Intervals, FromAPITimeInterval)}
}

// FromAPITimeInterval converts a piece of a day.
func FromAPITimeInterval(in schedulingoapi.TimeInterval) catalog.TimeInterval {
	return catalog.TimeInterval{Start: in.Start, End: in.End}
}

// ToAPITimeOff converts time off.
func ToAPITimeOff(t catalog.TimeOff) schedulingoapi.TimeOff {
	return schedulingoapi.TimeOff{
		ID: t.ID, ResourceID: orNull(t.ResourceID), Title: t.Title, StartAt: t.StartAt, EndAt: t.EndAt, Rrule: orNull(t.RRule),
		Timezone: orNull(t.Timezone), CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, Version: int(t.Version),
	}
}

// FromAPITimeOffCreate converts what new time off is made of.
func FromAPITimeOffCreate(in schedulingoapi.TimeOffCreate) catalog.TimeOffInput {
	resourceID, _ := fromNullable(in.ResourceID)
	rule, _ := fromNullable(in.Rrule)
	return catalog.TimeOffInput{
		ResourceID: resourceID, Title: string(or(in.Title, "")), StartAt: in.StartAt, EndAt: in.EndAt, RRule: rule,
	}
}

// FromAPITimeOffUpdate keeps absent fields apart from null ones.
func FromAPITimeOffUpdate(in schedulingoapi.TimeOffUpdate) catalog.TimeOffPatch {
	return catalog.TimeOffPatch{
		ResourceID: clearable(in.ResourceID), Title: (*string)(in.Title), StartAt: in.StartAt, EndAt: in.EndAt, RRule: clearable(in.Rrule),
	}
}

// ToAPICustomer converts a customer.
func ToAPICustomer(c customers.Customer) schedulingoapi.Customer {
	return schedulingoapi.Customer{
		ID: c.ID, Name: c.Name, Email: c.Email, Phone: c.Phone, City: c.City, State: c.State, Zip: c.Zip, Notes: c.Notes,
		Status: schedulingoapi.CustomerStatus(c.Status), Tags: c.Tags, UserID: orNull(c.UserID), CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt, Version: int(c.Version),
	}
}

// FromAPICustomerCreate fills in the contract's defaults.
func FromAPICustomerCreate(in schedulingoapi.CustomerCreate) customers.Input {
	userID, _ := fromNullable(in.UserID)
	return customers.Input{
		Name: string(in.Name), Email: or(in.Email, ""), Phone: or(in.Phone, ""), City: or(in.City, ""), State: or(in.State, ""),
		Zip: or(in.Zip, ""), Notes: or(in.Notes, ""), Status: string(or(in.Status, schedulingoapi.CustomerStatusACTIVE)),
		Tags: tags(or(in.Tags, nil)), UserID: userID,
	}
}

// tags are the names, each once: two that were told apart by the white space around them are one.
func tags(in schedulingoapi.CustomerTags) []string {
	if in == nil {
		return nil
	}
	list := make([]string, 0, len(in))
	for _, tag := range names.Strings(in) {
		if !slices.Contains(list, tag) {
			list = append(list, tag)
		}
	}
	return list
}

// FromAPICustomerUpdate keeps absent fields apart from null ones.
func FromAPICustomerUpdate(in schedulingoapi.CustomerUpdate) customers.Patch {
	var given *[]string
	if in.Tags != nil {
		given = new(tags(*in.Tags))
	}
	return customers.Patch{
		Name: (*string)(in.Name), Email: in.Email, Phone: in.Phone, City: in.City, State: in.State, Zip: in.Zip, Notes: in.Notes,
		Status: toString(in.Status), Tags: given, UserID: clearable(in.UserID),
	}
}

// ToAPIAppointment converts an appointment.
func ToAPIAppointment(a booking.Appointment) schedulingoapi.Appointment {
	return schedulingoapi.Appointment{
		ID: a.ID, SeriesID: orNull(a.SeriesID), Status: schedulingoapi.AppointmentStatus(a.Status), StartAt: a.StartAt, EndAt: a.EndAt,
		ServiceID: a.ServiceID, CustomerID: a.CustomerID, ResourceIds: notNil(a.ResourceIDs),
		Service:             schedulingoapi.ServiceReference{ID: a.Service.ID, Name: a.Service.Name},
		Customer:            schedulingoapi.CustomerReference{ID: a.Customer.ID, Name: a.Customer.Name},
		Resources:           toSlice(a.Resources, ToAPIResourceReference),
		BufferBeforeMinutes: int(a.BufferBeforeMinutes), BufferAfterMinutes: int(a.BufferAfterMinutes), Price: ToAPIMoney(a.Price),
		Notes: a.Notes, CancellationReason: a.CancellationReason, CancelledAt: orNull(a.CancelledAt), Cancellation: orNull(toAPICancellation(a.Cancellation)),
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, Version: int(a.Version), Attendee: toAPIAttendee(a.Attendee),
	}
}

func toAPICancellation(c *booking.Cancellation) *schedulingoapi.Cancellation {
	if c == nil {
		return nil
	}
	return &schedulingoapi.Cancellation{
		Late: c.Late, Fee: ToAPIMoney(c.Fee), FeePercent: int(c.FeePercent), WindowHours: int(c.WindowHours), Waived: c.Waived,
	}
}

// ToAPICancellationTerms converts what cancelling costs.
func ToAPICancellationTerms(t booking.CancellationTerms) schedulingoapi.CancellationTerms {
	return schedulingoapi.CancellationTerms{
		Late: t.Late, Fee: ToAPIMoney(t.Fee), FeePercent: int(t.FeePercent), WindowHours: int(t.WindowHours), Waived: t.Waived,
		CanCancel: t.CanCancel, FreeUntil: t.FreeUntil,
	}
}

// ToAPIResourceReference converts the name of a resource.
func ToAPIResourceReference(r booking.ResourceReference) schedulingoapi.ResourceReference {
	return schedulingoapi.ResourceReference{ID: r.ID, Name: r.Name, Type: schedulingoapi.ResourceType(r.Type)}
}

// FromAPIAppointmentCreate converts what a new appointment is made of.
func FromAPIAppointmentCreate(in schedulingoapi.AppointmentCreate) booking.AppointmentInput {
	return booking.AppointmentInput{
		ServiceID: in.ServiceID, CustomerID: in.CustomerID, StartAt: in.StartAt, ResourceIDs: or(in.ResourceIds, nil),
		Notes: or(in.Notes, ""), HoldID: in.HoldID, Attendee: fromAPIAttendee(in.Attendee),
	}
}

func fromAPIAttendee(in *schedulingoapi.AttendeeCreate) *booking.Attendee {
	if in == nil {
		return nil
	}
	return &booking.Attendee{Name: string(in.Name), Email: toString(in.Email), Phone: in.Phone}
}

func toAPIAttendee(a *booking.Attendee) *schedulingoapi.Attendee {
	if a == nil {
		return nil
	}
	return &schedulingoapi.Attendee{Name: a.Name, Email: given(a.Email), Phone: given(a.Phone)}
}

// given returns nil for what is empty.
func given(text *string) *string {
	if text == nil || *text == "" {
		return nil
	}
	return text
}

// ToAPIHold converts a hold.
func ToAPIHold(h booking.Hold) schedulingoapi.Hold {
	return schedulingoapi.Hold{
		ID: h.ID, Status: schedulingoapi.HoldStatus(h.Status), StartAt: h.StartAt, EndAt: h.EndAt, ServiceID: h.ServiceID,
		Service: schedulingoapi.ServiceReference{ID: h.Service.ID, Name: h.Service.Name}, CustomerID: orNull(h.CustomerID),
		ResourceIds: notNil(h.ResourceIDs), Resources: toSlice(h.Resources, ToAPIResourceReference),
		BufferBeforeMinutes: int(h.BufferBeforeMinutes), BufferAfterMinutes: int(h.BufferAfterMinutes), Price: ToAPIMoney(h.Price),
		ExpiresAt: h.ExpiresAt, AppointmentID: orNull(h.AppointmentID), CreatedAt: h.CreatedAt,
	}
}

// FromAPIHoldCreate converts what a new hold is made of.
func FromAPIHoldCreate(in schedulingoapi.HoldCreate) booking.HoldInput {
	return booking.HoldInput{
		ServiceID: in.ServiceID, StartAt: in.StartAt, ResourceIDs: or(in.ResourceIds, nil), CustomerID: in.CustomerID,
		TTL: time.Duration(or(in.TTLSeconds, 0)) * time.Second,
	}
}

// FromAPIListAppointments converts the filters of a list.
func FromAPIListAppointments(in schedulingoapi.ListAppointmentsParams) booking.AppointmentFilter {
	filter := booking.AppointmentFilter{
		From: in.From, To: in.To, ResourceID: in.ResourceID, CustomerID: in.CustomerID, ServiceID: in.ServiceID, SeriesID: in.SeriesID,
	}
	if in.Status != nil {
		filter.Statuses = toSlice(*in.Status, func(s schedulingoapi.AppointmentStatus) string { return string(s) })
	}
	return filter
}

// ToAPIAppointmentChange converts an entry of a history.
func ToAPIAppointmentChange(c booking.AppointmentChange) schedulingoapi.AppointmentChange {
	changes := make(map[string]schedulingoapi.FieldChange, len(c.Changes))
	for field, change := range c.Changes {
		changes[field] = schedulingoapi.FieldChange{From: change.From, To: change.To}
	}
	return schedulingoapi.AppointmentChange{
		Version: int(c.Version), Action: schedulingoapi.AppointmentAction(c.Action), ActorUserID: orNull(c.ActorUserID),
		ActorTokenID: orNull(c.ActorTokenID), ImpersonatorUserID: orNull(c.ImpersonatorUserID), OccurredAt: c.OccurredAt, Changes: changes,
	}
}
