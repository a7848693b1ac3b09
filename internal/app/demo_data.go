package app

import "github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"

// demoBusiness is a demo business with the data of its live environment. Its sandbox stays empty.
type demoBusiness struct {
	name, subdomain, plan, timezone string
	hours                           []catalog.DayHours
	resources                       []demoResource
	services                        []demoService
	customers                       []demoCustomer
	appointments                    []demoAppointment
}

type demoResource struct {
	name, kind, description string
	capacity                int32
	// persona is the user linked to the resource.
	persona string
}

type demoService struct {
	name, description    string
	minutes, bufferAfter int32
	price                int64
	approval             bool
	needs                []demoNeed
}

// demoNeed is a requirement of one resource of the kind; if there are names, one of these.
type demoNeed struct {
	kind  string
	names []string
}

type demoCustomer struct {
	name, email, phone, city, state, zip string
	tags                                 []string
}

// demoAppointment is an appointment on an open day; day 0 is the first one after today.
type demoAppointment struct {
	day, hour, minute int
	service           string
	resources         []string
	notes             string
}

var demoNames = map[string]string{
	"superuser": "Sarah Super", "platform_manager": "Mike Manager", "platform_support": "Sam Support", "platform_sales": "Sally Sales",
	"owner": "Olivia Owner", "manager": "Manny Manager", "staff": "Stacy Staff", "customer": "Alice Anders",
}

// demoHours returns the same intervals for each of the days.
func demoHours(intervals []catalog.TimeInterval, days ...string) []catalog.DayHours {
	hours := make([]catalog.DayHours, len(days))
	for i, day := range days {
		hours[i] = catalog.DayHours{Day: day, Intervals: intervals}
	}
	return hours
}

func demoBusinesses() []demoBusiness {
	return []demoBusiness{demoSalon(), demoGarage(), demoShop()}
}

func demoSalon() demoBusiness {
	staff, room := demoNeed{kind: "STAFF"}, demoNeed{kind: "ROOM"}
	massage := demoNeed{kind: "STAFF", names: []string{"Mona"}}
	laser := demoNeed{kind: "EQUIPMENT", names: []string{"Laser"}}
	b := demoBusiness{
		name: "Demo Salon & Spa", subdomain: "demo", plan: "business", timezone: "America/New_York",
		hours: append(
			demoHours([]catalog.TimeInterval{{Start: "09:00", End: "18:00"}}, "MONDAY", "TUESDAY", "WEDNESDAY", "FRIDAY", "SATURDAY"),
			demoHours([]catalog.TimeInterval{{Start: "09:00", End: "20:00"}}, "THURSDAY")...,
		),
		resources: []demoResource{
			{name: "Stacy", kind: "STAFF", description: "Stylist", capacity: 1, persona: "staff"},
			{name: "Ana", kind: "STAFF", description: "Senior stylist", capacity: 1},
			{name: "Mona", kind: "STAFF", description: "Massage therapist", capacity: 1},
			{name: "Quiet Room", kind: "ROOM", description: "For massages", capacity: 1},
			{name: "Studio", kind: "ROOM", description: "For groups of up to eight", capacity: 8},
			{name: "Laser", kind: "EQUIPMENT", description: "Goes where it is needed", capacity: 1},
		},
		services: []demoService{
			{name: "Haircut", minutes: 30, price: 4500, needs: []demoNeed{staff}},
			{name: "Colour", description: "With consultation", minutes: 90, bufferAfter: 15, price: 12000, needs: []demoNeed{staff}},
			{
				name: "Massage", description: "One hour in the Quiet Room", minutes: 60, bufferAfter: 15, price: 9500,
				needs: []demoNeed{massage, {kind: "ROOM", names: []string{"Quiet Room"}}},
			},
			{name: "Laser treatment", minutes: 45, price: 15000, approval: true, needs: []demoNeed{staff, room, laser}},
			{
				name: "Yoga class", description: "A place in the group", minutes: 60, price: 2000,
				needs: []demoNeed{{kind: "ROOM", names: []string{"Studio"}}},
			},
		},
		customers: []demoCustomer{
			{"Alice Anders", "customer@demo.example", "+1 555 0101", "New York", "NY", "10001", []string{"vip"}},
			{"Ben Brooks", "ben@example.com", "+1 555 0102", "New York", "NY", "10002", nil},
			{"Chloe Chen", "chloe@example.com", "+1 555 0103", "Brooklyn", "NY", "11201", []string{"colour"}},
			{"Diego Diaz", "diego@example.com", "+1 555 0104", "Queens", "NY", "11101", nil},
			{"Emma Eriksen", "emma@example.com", "+1 555 0105", "Hoboken", "NJ", "07030", []string{"massage"}},
			{"Farid Farouk", "farid@example.com", "+1 555 0106", "New York", "NY", "10003", nil},
			{"Grace Green", "grace@example.com", "+1 555 0107", "New York", "NY", "10004", []string{"vip", "yoga"}},
		},
	}
	for day := range 7 {
		b.appointments = append(b.appointments,
			demoAppointment{day, 9, 0, "Haircut", []string{"Stacy"}, ""},
			demoAppointment{day, 10, 0, "Colour", []string{"Ana"}, "Allergic to ammonia"},
			demoAppointment{day, 13, 0, "Massage", nil, ""},
			demoAppointment{day, 14, 30, "Haircut", []string{"Ana"}, ""},
			demoAppointment{day, 17, 0, "Yoga class", nil, ""},
		)
	}
	b.appointments = append(b.appointments, demoAppointment{2, 15, 30, "Laser treatment", []string{"Stacy"}, "First visit"})
	return b
}

func demoGarage() demoBusiness {
	mechanic, bay := demoNeed{kind: "STAFF"}, demoNeed{kind: "ROOM"}
	return demoBusiness{
		name: "Acme Auto Repair", subdomain: "acme-auto", plan: "professional", timezone: "America/Chicago",
		hours: demoHours([]catalog.TimeInterval{{Start: "08:00", End: "12:00"}, {Start: "13:00", End: "17:00"}},
			"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"),
		resources: []demoResource{
			{name: "Stacy", kind: "STAFF", description: "Mechanic", capacity: 1, persona: "staff"},
			{name: "Jo", kind: "STAFF", description: "Mechanic", capacity: 1},
			{name: "Lift bay 1", kind: "ROOM", capacity: 1},
			{name: "Lift bay 2", kind: "ROOM", capacity: 1},
			{name: "Alignment machine", kind: "EQUIPMENT", capacity: 1},
		},
		services: []demoService{
			{name: "Oil change", minutes: 60, price: 8999, needs: []demoNeed{mechanic, bay}},
			{name: "Brake pads", minutes: 120, bufferAfter: 15, price: 24500, needs: []demoNeed{mechanic, bay}},
			{name: "Diagnostics", minutes: 90, price: 12000, needs: []demoNeed{mechanic}},
			{name: "Wheel alignment", minutes: 60, price: 9550, needs: []demoNeed{mechanic, bay, {kind: "EQUIPMENT"}}},
		},
		customers: []demoCustomer{
			{"Alice Anders", "customer@acme-auto.example", "+1 555 0201", "Chicago", "IL", "60601", nil},
			{"Hank Hill", "hank@example.com", "+1 555 0202", "Chicago", "IL", "60602", []string{"fleet"}},
			{"Ivy Ito", "ivy@example.com", "+1 555 0203", "Evanston", "IL", "60201", nil},
		},
		appointments: []demoAppointment{
			{0, 8, 0, "Oil change", nil, ""},
			{0, 9, 30, "Brake pads", nil, "Squeals"},
			{1, 9, 0, "Diagnostics", nil, ""},
			{2, 13, 0, "Wheel alignment", nil, ""},
			{3, 9, 0, "Oil change", nil, ""},
		},
	}
}

func demoShop() demoBusiness {
	return demoBusiness{
		name: "Mom & Pop Shop", subdomain: "mompop", plan: "free", timezone: "America/Denver",
		hours: demoHours([]catalog.TimeInterval{{Start: "10:00", End: "16:00"}},
			"TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"),
		resources: []demoResource{{name: "Stacy", kind: "STAFF", description: "The chair by the window", capacity: 1, persona: "staff"}},
		services:  []demoService{{name: "Consultation", minutes: 30, price: 2500, needs: []demoNeed{{kind: "STAFF"}}}},
		customers: []demoCustomer{{"Alice Anders", "customer@mompop.example", "+1 555 0301", "Denver", "CO", "80202", nil}},
		appointments: []demoAppointment{
			{0, 10, 0, "Consultation", nil, ""}, {1, 10, 30, "Consultation", nil, ""},
		},
	}
}

// sampleBusiness is the sample data for an empty sandbox. It fits the limits of the smallest plan. Name,
// plan and time zone are those of the requesting business.
func sampleBusiness() demoBusiness {
	stylist := demoNeed{kind: "STAFF"}
	return demoBusiness{
		hours: demoHours([]catalog.TimeInterval{{Start: "09:00", End: "17:00"}}, "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"),
		resources: []demoResource{
			{name: "Sam Sample", kind: "STAFF", description: "Stylist", capacity: 1},
			{name: "Toni Test", kind: "STAFF", description: "Massage therapist", capacity: 1},
			{name: "Studio", kind: "ROOM", description: "For groups of up to six", capacity: 6},
		},
		services: []demoService{
			{name: "Haircut", minutes: 30, price: 4500, needs: []demoNeed{stylist}},
			{name: "Massage", minutes: 60, bufferAfter: 15, price: 9500, needs: []demoNeed{{kind: "STAFF", names: []string{"Toni Test"}}}},
			{name: "Consultation", description: "Confirmed by hand", minutes: 30, price: 2500, approval: true, needs: []demoNeed{stylist}},
			{name: "Yoga class", description: "A place in the group", minutes: 60, price: 2000, needs: []demoNeed{{kind: "ROOM"}}},
		},
		customers: []demoCustomer{
			{"Casey Customer", "casey@example.com", "+1 555 0151", "New York", "NY", "10001", []string{"vip"}},
			{"Robin Regular", "robin@example.com", "+1 555 0152", "New York", "NY", "10002", nil},
			{"Noor New", "noor@example.com", "+1 555 0153", "New York", "NY", "10003", nil},
		},
		appointments: []demoAppointment{
			{0, 9, 0, "Haircut", []string{"Sam Sample"}, ""},
			{0, 13, 0, "Massage", nil, ""},
			{1, 10, 0, "Haircut", []string{"Toni Test"}, ""},
			{1, 16, 0, "Yoga class", nil, ""},
			{1, 16, 0, "Yoga class", nil, ""},
			{2, 11, 0, "Consultation", []string{"Sam Sample"}, "First visit"},
		},
	}
}
