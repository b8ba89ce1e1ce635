package round

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
)

// User is who signs in.
type User struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	ScramUsername   string `json:"scram_username"`
	ScramPassword   string `json:"scram_password"`
}

// withWrongSecret is the same user, who has forgotten both secrets.
func (u User) withWrongSecret() User {
	u.SecretAccessKey = "not " + u.SecretAccessKey
	u.ScramPassword = "not " + u.ScramPassword
	return u
}

// Server is the server under test, as its ready file describes it.
type Server struct {
	User
	// Bootstrap is where a client begins: the ready file's address, or BOOTSTRAP, which has a
	// name that only this program's Dialer knows.
	Bootstrap string          `json:"bootstrap"`
	CAFile    string          `json:"ca_file"`
	Region    string          `json:"region"`
	AdminURL  string          `json:"admin_url"`
	Users     map[string]User `json:"users"`
	// SignIn is `iam`, `oauthbearer` or `scram`.
	SignIn string      `json:"-"`
	TLS    *tls.Config `json:"-"`
	Dialer *Dialer     `json:"-"`
}

var mechanisms = map[string]string{
	"iam":         "AWS_MSK_IAM",
	"oauthbearer": "OAUTHBEARER",
	"scram":       "SCRAM-SHA-512",
}

// openServer reads the ready file; SIGN_IN comes before the library's usual way to sign in.
func openServer(readyFile, signIn string) (*Server, error) {
	text, err := os.ReadFile(readyFile)
	if err != nil {
		return nil, err
	}
	server := &Server{SignIn: signIn}
	if err := json.Unmarshal(text, server); err != nil {
		return nil, fmt.Errorf("%s: %w", readyFile, err)
	}
	authority, err := os.ReadFile(server.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", server.CAFile)
	}
	server.TLS = &tls.Config{RootCAs: roots}
	host, _, err := net.SplitHostPort(server.Bootstrap)
	if err != nil {
		return nil, err
	}
	server.Dialer = &Dialer{host: host}
	if wanted := os.Getenv("SIGN_IN"); wanted != "" {
		server.SignIn = wanted
	}
	if wanted := os.Getenv("BOOTSTRAP"); wanted != "" {
		server.Bootstrap = wanted
	}
	return server, nil
}

// NoSuchSignIn is a library's answer to a SIGN_IN that it does not have.
func (s *Server) NoSuchSignIn() error {
	return fmt.Errorf("this library does not sign in by SIGN_IN=%q", s.SignIn)
}
